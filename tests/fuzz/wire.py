"""What must hold whatever bytes a connection brings: it is answered as foreseen or closed, and others are answered."""

import asyncio
import contextlib
import json
import os
import random
import re
import socket
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import uvicorn

from app.main import create_app
from app.settings import Settings
from app.web.http1.limits import HttpLimits
from app.web.http1.protocol import http_protocol
from tests.fuzz.bodies import HostileBytes, honest, hostile
from tests.support.patience import PATIENCE_SECONDS, until

_FORESEEN = {100, 200, 400, 404, 405, 408, 413, 415, 422, 429, 431, 503}
_LIMITS = HttpLimits(
    keep_alive_seconds=0.4, head_seconds=0.5, body_seconds=0.5, write_seconds=2, linger_seconds=0.2, max_connections=60
)
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_EVERY = 1000  # bodies between two lines
_TOGETHER = 24  # connections at once


def hold(count: int, seed: int, say: Callable[[str], None] = print) -> bool:
    """Sends so many, and says how far it is; in the end which bytes broke what. Whether nothing did."""

    async def send() -> None:
        chance, began = random.Random(seed), time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            async with served(Path(folder)) as server:
                for done in range(0, count, _EVERY):
                    await check(server, [hostile(chance) for _ in range(min(_EVERY, count - done))])
                    facts = f"{resident_bytes() / 2**20:.0f} MiB, {descriptors()} descriptors"
                    say(f"{min(done + _EVERY, count):,} of {count:,} bodies, {time.monotonic() - began:.0f} s, {facts}")

    try:
        asyncio.run(send())
    except BaseException:
        traceback.print_exc()
        say(f"broken by bytes (seed {seed})")
        return False
    return True


@contextlib.asynccontextmanager
async def served(folder: Path) -> AsyncIterator[uvicorn.Server]:
    """The whole service on a real socket, with short limits."""
    app = create_app(Settings(store_dir=folder / "store", state_dir=folder / "state"))
    config = uvicorn.Config(
        app, http=cast("type[asyncio.Protocol]", http_protocol(_LIMITS)), ws="none", log_config=None,
        access_log=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started)
        yield server
        server.should_exit = True
        await task


async def check(server: uvicorn.Server, sent: Sequence[HostileBytes]) -> None:
    """All of them, some at a time; then an honest client, and nothing is left."""
    port = server.servers[0].sockets[0].getsockname()[1]
    turns = asyncio.Semaphore(_TOGETHER)

    async def one(data: HostileBytes) -> None:
        async with turns:
            _check_answers(*await _said(port, data), data)

    await asyncio.gather(*map(one, sent))
    await check_honest(server, honest()[0])
    await until(lambda: not server.server_state.connections and not server.server_state.tasks)


async def check_honest(server: uvicorn.Server, request: bytes) -> None:
    """All of its answers are 200, or ask to go on."""
    data = HostileBytes((request,), ends=False)
    said, is_whole = await _said(server.servers[0].sockets[0].getsockname()[1], data)
    found = {status for status, _, _ in _answers(said, is_whole, data)}
    assert is_whole and 200 in found and found <= {100, 200}, said[:1000]


async def _said(port: int, data: HostileBytes) -> tuple[bytes, bool]:
    """All that the server says until it closes the connection, which it must, since nothing comes any more; and
    whether a reset took the rest of it: so it does where more is sent than was asked for."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    said, is_whole = bytearray(), True
    try:
        with contextlib.suppress(OSError):
            for piece in data.pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if data.ends:
                writer.write_eof()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while piece := await reader.read(65_536):
                said += piece
    except ConnectionError:
        is_whole = False
    finally:
        writer.transport.abort()
    return bytes(said), is_whole


def _check_answers(said: bytes, is_whole: bool, data: HostileBytes) -> None:
    """Nothing but whole answers whose status was foreseen, problems in their one shape."""
    for status, headers, body in _answers(said, is_whole, data):
        assert status in _FORESEEN, (status, body[:300], data)
        if status >= 400:
            assert headers.get(b"content-type") == b"application/problem+json", (headers, data)
            told: dict[str, Any] = json.loads(body)
            assert told["status"] == status and told["code"] != "internal_error", (told, data)


def _answers(said: bytes, is_whole: bool, data: HostileBytes) -> Iterator[tuple[int, dict[bytes, bytes], bytes]]:
    at = 0
    while at < len(said):
        found, end = _STATUS.match(said, at), said.find(b"\r\n\r\n", at)
        if not is_whole and (not found or end < 0):
            return
        assert found and end >= 0, (said[at : at + 300], data)
        lines = [line.partition(b": ") for line in said[at:end].split(b"\r\n")[1:]]
        headers = {name.lower(): value for name, _, value in lines}
        length = int(headers.get(b"content-length", b"0"))
        body = said[end + 4 : end + 4 + length]
        if not is_whole and len(body) < length:
            return
        assert len(body) == length, (said[at:], data)
        yield int(found[1]), headers, body
        at = end + 4 + length


def resident_bytes() -> int:
    """Memory of this process, which is the server's too."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors() -> int:
    """Open files, sockets and pipes."""
    return len(list(Path("/proc/self/fd").iterdir()))
