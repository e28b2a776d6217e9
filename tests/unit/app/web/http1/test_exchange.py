"""A body that has failed is told to whoever reads it, and a client that does not read is seen."""

import asyncio
from typing import Any, cast

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.errors import BadRequest
from app.web.http1 import refusals
from app.web.http1.exchange import Flow, Together
from tests.unit.app.web.http1.serving import GET, chunked, client, serving


class _Transport:
    """What `Flow` asks one."""

    def __init__(self) -> None:
        self.unsent = 0
        self.reads = True

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True


@pytest.fixture
async def transport() -> _Transport:
    return _Transport()


@pytest.fixture
async def flow(transport: _Transport) -> Flow:
    return Flow(cast(asyncio.Transport, transport), 0.0)


async def test_what_is_held_is_read_again_only_by_its_release(flow: Flow, transport: _Transport) -> None:
    flow.hold()
    flow.resume_reading()  # a route waits for the end of the connection
    assert not transport.reads
    flow.release()
    assert transport.reads


async def test_who_reads_something_has_not_stopped(flow: Flow, transport: _Transport) -> None:
    transport.unsent = 1000
    assert flow.unread_seconds(10.0) == 10.0
    transport.unsent = 2000  # an event stream goes on writing
    assert flow.unread_seconds(20.0) == 20.0
    transport.unsent = 1999
    assert flow.unread_seconds(30.0) == 0.0
    assert flow.unread_seconds(40.0) == 10.0
    flow.resume_writing()  # it was empty in between
    assert flow.unread_seconds(50.0) == 0.0
    transport.unsent = 0
    assert flow.unread_seconds(60.0) == 0.0


async def test_a_route_that_reads_no_body_is_not_told_of_its_failure() -> None:
    heard: list[object] = []

    async def app(scope: object, receive: Receive, send: Send) -> None:
        try:
            while (await receive()).get("more_body"):
                pass
        except BadRequest as refusal:
            heard.append(refusal.code)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async with serving(app=app) as served, client(served.port) as one:
        await one.send(chunked([b"hello"])[:-5] + b"zz\r\n" + GET)
        assert (await one.answer())[0] == 204
        assert await one.rest() == b""
    assert heard == [cast(Any, refusals.malformed()).code]


class _Written:
    """A transport's end that is written to."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def writelines(self, pieces: list[bytes]) -> None:
        self.calls.append(b"".join(pieces))

    def close(self) -> None:
        self.calls.append(b"closed")

    def is_closing(self) -> bool:
        return False


def test_what_is_held_goes_out_with_what_comes_next_and_once() -> None:
    transport = _Written()
    together = Together(cast(asyncio.Transport, transport))
    together.write(b"1")
    together.hold()
    together.write(b"head ")
    assert transport.calls == [b"1"]
    together.write(b"body")
    together.write(b"more")
    together.hold()
    together.write(b"head")
    together.write(b"")  # an empty body
    assert transport.calls == [b"1", b"head body", b"more", b"head"]


def test_what_is_held_goes_out_before_the_end() -> None:
    transport = _Written()
    together = Together(cast(asyncio.Transport, transport))
    together.hold()
    together.write(b"head")
    together.close()
    assert transport.calls == [b"head", b"closed"]
    together.close()
    assert transport.calls == [b"head", b"closed", b"closed"]


LENGTH = b"content-length"


class Saying:
    """A service that says the messages of the address that it is asked at, and waits where it has None."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.has_begun = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for message in ANSWERS[scope["path"]]:
            if message is None:
                self.has_begun.set()
                await self.go.wait()
            elif isinstance(message, Exception):
                raise message
            else:
                await send(message)


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(content: bytes = b"", *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more}


ANSWERS: dict[str, list[Message | Exception | None]] = {
    "/whole": [start(200, (LENGTH, b"5")), body(b"hello")],
    "/pieces": [start(200, (LENGTH, b"5")), body(b"he", more=True), body(b"", more=True), body(b"llo")],
    "/empty": [start(200, (LENGTH, b"0")), body()],
    "/nothing": [start(204), body()],
    "/no-headers": [{"type": "http.response.start", "status": 204}, body()],
    "/late": [start(200, (LENGTH, b"5")), None, body(b"hello")],
    "/stream": [start(), None, body(b"hello", more=True), body()],
    "/head": [start(200, (LENGTH, b"5")), None, body(b"hello")],
    "/breaks": [start(200, (LENGTH, b"5")), ArithmeticError()],
    "/breaks-later": [start(200, (LENGTH, b"5")), body(b"he", more=True), ArithmeticError()],
    "/stream-breaks": [start(), body(b"he", more=True), ArithmeticError()],
    "/too-long": [start(200, (LENGTH, b"5")), body(b"hello!")],
    "/too-short": [start(200, (LENGTH, b"5")), body(b"he")],
}


def ask_for(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


async def test_answers_of_each_kind_come_whole_and_in_their_order_on_one_connection() -> None:
    wholes = {"/whole": b"hello", "/pieces": b"hello", "/empty": b"", "/nothing": b"", "/no-headers": b""}
    async with serving(app=Saying()) as served, client(served.port) as one:
        for together in (False, True):
            asked = [ask_for(path) for path in 2 * list(wholes)]
            if together:
                await one.send(b"".join(asked))
            for path, request in zip(2 * list(wholes), asked, strict=True):
                if not together:
                    await one.send(request)
                status, headers, content = await one.answer()
                assert (status, content) == (200 if "content-length" in headers else 204, wholes[path])


@pytest.mark.parametrize(("method", "path"), [("GET", "/stream"), ("HEAD", "/head"), ("HEAD", "/stream")])
async def test_a_head_that_has_nothing_to_wait_for_goes_out_at_once(method: str, path: str) -> None:
    saying = Saying()
    async with serving(app=saying) as served, client(served.port) as one:
        await one.send(ask_for(path, method))
        await saying.has_begun.wait()
        head = await one.head()
        assert head.startswith(b"HTTP/1.1 200 OK\r\n") and not saying.go.is_set()
        saying.go.set()
        await one.send(ask_for("/nothing"))
        rest = await one.head()
        assert rest.startswith(b"HTTP/1.1 204 " if method == "HEAD" else b"5\r\nhello\r\n")


async def test_an_answer_that_is_late_comes_whole() -> None:
    saying = Saying()
    async with serving(app=saying) as served, client(served.port) as one:
        await one.send(ask_for("/late"))
        await saying.has_begun.wait()
        saying.go.set()
        status, headers, content = await one.answer()
        assert (status, headers["content-length"], content) == (200, "5", b"hello")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/breaks", b""),
        ("/breaks-later", b"he"),
        ("/stream-breaks", b"2\r\nhe\r\n"),
        ("/too-long", b""),
        ("/too-short", b"he"),
    ],
)
async def test_an_answer_that_breaks_is_cut_where_it_broke(path: str, content: bytes) -> None:
    async with serving(app=Saying()) as served, client(served.port) as one:
        await one.send(ask_for(path))
        head, _, rest = (await one.rest()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n") and rest == content
