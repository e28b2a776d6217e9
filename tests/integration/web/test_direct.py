"""The direct way and the framework's, on real sockets: whatever is sent, both say the same, byte by byte."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from starlette.types import Receive, Scope, Send

from app.main import create_app
from app.settings import Settings
from app.web.budget import ByteBudget
from app.web.drain import Drain
from app.web.entry import Entry, Service
from app.web.limits import BodyLimits
from tests.integration.web import catalogue
from tests.integration.web.sent import SEVEN, batch, form, request
from tests.support.patience import PATIENCE_SECONDS
from tests.unit.app.web.http1.serving import Served, serving

NEXT = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
OWN = [  # what is each answer's own
    (rb"\b(req|pred)_[0-9a-f]{16}\b", rb"\1_X"),
    (rb'"timing_ms":\{"prepare":[\d.e-]+,"queue":[\d.e-]+,"infer":[\d.e-]+\}', b"TIMING"),
    (rb"\r\ndate: [^\r]*\r\n", b"\r\ndate: X\r\n"),
    (rb"( 200 OK\r\n(?:[^\r]+\r\n)*content-length: )\d+(\r\n(?:[^\r]+\r\n)*\r\n.*TIMING)", rb"\1X\2"),  # of the times
]


@dataclass
class Ways:
    """One service behind two doors, of which only one knows the direct way."""

    direct: Served
    plain: Served
    drain: Drain
    went: list[bytes]  # the addresses of what the first door sent the framework's way


def watched(app: Service, went: list[bytes]) -> Entry:
    """The app's entry, which notes what goes the framework's way."""
    entry = app.entry
    routed = entry._app

    async def noted(scope: Scope, receive: Receive, send: Send) -> None:
        went.append(scope["raw_path"])
        await routed(scope, receive, send)

    entry._app = noted
    return entry


@pytest.fixture(scope="module")
async def ways(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ways]:
    folder = tmp_path_factory.mktemp("ways")
    settings = Settings(store_dir=folder / "store", state_dir=folder / "state")
    app, went = create_app(settings), list[bytes]()
    drain: Drain = app.state.drain
    limits = BodyLimits(settings.max_body_bytes, budget=ByteBudget(settings.max_bytes_waiting))
    plain = Entry(app.routed, limits, drain, door=app.entry._door)
    async with contextlib.AsyncExitStack() as open_until_the_end:
        await open_until_the_end.enter_async_context(app.router.lifespan_context(app))
        doors = [await open_until_the_end.enter_async_context(serving(app=one)) for one in (watched(app, went), plain)]
        made = Ways(doors[0], doors[1], drain, went)
        while b'"code":"loading"' in await said(made.plain.port, request()):
            await asyncio.sleep(0.05)
        yield made


async def said(port: int, sent: bytes, *, ends: bool = False) -> bytes:
    """All that comes on a connection for a request, and for another after its answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    came = b""
    async with asyncio.timeout(PATIENCE_SECONDS):
        try:
            writer.write(sent)
            if ends:
                writer.write_eof()
            else:
                came = await answer(reader, sent)
                writer.write(NEXT)
            came += await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError) as end:
            came += b"the end: " + type(end).__name__.encode()
        finally:
            writer.transport.abort()
    for pattern, instead in OWN:
        came = re.sub(pattern, instead, came, flags=re.DOTALL)
    return came


async def answer(reader: asyncio.StreamReader, sent: bytes) -> bytes:
    """One whole answer, and what says before it that the body may come."""
    head = came = await reader.readuntil(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 100 "):
        head = await reader.readuntil(b"\r\n\r\n")
        came += head
    length = re.search(rb"content-length: (\d+)", head)
    if length is not None and not sent.startswith(b"HEAD"):
        came += await reader.readexactly(int(length[1]))
    return came


REQUESTS = catalogue.all_of_them()
MAY_NOT_DIFFER = [(name, sent, False) for name, sent in REQUESTS.items()]
MAY_NOT_DIFFER += [(f"too long: {name}", sent, True) for name, sent in catalogue.TOO_LONG.items()]


async def test_both_ways_say_the_same(ways: Ways) -> None:
    differ, statuses = {}, set()
    for name, sent, ends in MAY_NOT_DIFFER:
        direct, plain = [await said(door.port, sent, ends=ends) for door in (ways.direct, ways.plain)]
        statuses.add(plain[9:12])
        if direct != plain:
            differ[name] = direct, plain
    assert differ == {}
    assert len(MAY_NOT_DIFFER) > 280 and statuses >= {b"100", b"200", b"400", b"404", b"405", b"413", b"415", b"422"}


async def test_while_the_process_ends_both_close_the_connection(ways: Ways) -> None:
    ways.drain.begun = True
    try:
        for sent in (
            form(),
            request(),
            batch(SEVEN),
            request(body=b"x"),
        ):
            direct, plain = [await said(door.port, sent) for door in (ways.direct, ways.plain)]
            assert direct == plain and b"\r\nconnection: close\r\n" in direct and NEXT_ANSWER not in direct
    finally:
        ways.drain.begun = False


NEXT_ANSWER = b'{"status":"alive"}'
DIRECT = """
picture: a digit, picture: a page, picture: rubbish, picture: huge, type b'image/jpeg', query model=digits@1 14,
query top_k=3 7, query prepared=true 13, query explain=true 12, query model=nope 10, query model=- 7, form: plain,
form: no space, form: no last line, form: no type, form: a page, form: a long boundary, batch: one, batch: six,
batch: bad ones among, batch: top_k, batch: prepared, wire: an id, wire: expects, wire: close
"""


@pytest.mark.parametrize("name", DIRECT.replace("\n", " ").strip().split(", "))
async def test_what_most_clients_send_goes_the_direct_way(ways: Ways, name: str) -> None:
    """Else the comparison above compares one way with itself."""
    ways.went.clear()
    answer = await said(ways.direct.port, REQUESTS[name])
    assert answer.startswith(b"HTTP/1.1 ")
    assert [path for path in ways.went if path != b"/healthz"] == []  # that is the next request
