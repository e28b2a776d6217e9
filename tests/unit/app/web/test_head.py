"""HEAD: what GET would say, without its body, and never without end."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from app.web.head import Head


class Stream:
    """An answer without end, which notes how it went."""

    def __init__(self) -> None:
        self.sent, self.has_ended = 0, False

    async def answer(self, _: Request) -> Response:
        return StreamingResponse(self._content(), headers={"x-mine": "1"}, media_type="text/event-stream")

    async def _content(self) -> AsyncIterator[bytes]:
        try:
            while True:
                self.sent += 1
                yield b"data: x\n\n"
                await asyncio.sleep(0)
        finally:
            self.has_ended = True


STREAM = Stream()


async def plain(request: Request) -> Response:
    return PlainTextResponse(f"{request.method} {request.url.query}", headers={"etag": '"7"'})


async def posted(request: Request) -> Response:
    return PlainTextResponse(await request.body())


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    routes = [
        Route("/plain", plain, methods=["GET"]),
        Route("/stream", STREAM.answer, methods=["GET"]),
        Route("/post", posted, methods=["POST"]),
    ]
    transport = httpx.ASGITransport(Head(Starlette(routes=routes)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_it_says_what_get_says_but_for_the_body(http: httpx.AsyncClient) -> None:
    for path in ("/plain", "/plain?a=1", "/nowhere"):
        got, head = await http.get(path), await http.head(path)
        assert (head.status_code, head.headers, head.content) == (got.status_code, got.headers, b"")
    assert int((await http.head("/plain")).headers["content-length"]) == len("GET ")


async def test_a_stream_ends_at_its_headers_and_what_sends_it_too(http: httpx.AsyncClient) -> None:
    head = await http.head("/stream")
    assert (head.status_code, head.content, head.headers["x-mine"]) == (200, b"", "1")
    assert head.headers["content-type"].startswith("text/event-stream")
    assert STREAM.has_ended and STREAM.sent < 10


async def test_where_get_is_not_taken_head_is_neither(http: httpx.AsyncClient) -> None:
    head = await http.head("/post")
    assert (head.status_code, head.content) == (405, b"")


async def test_every_other_request_passes_as_it_is(http: httpx.AsyncClient) -> None:
    assert (await http.get("/plain?b=2")).text == "GET b=2"
    assert (await http.post("/post", content=b"body")).content == b"body"


async def test_what_is_no_request_passes_untouched() -> None:
    passed: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append((scope, receive, send))

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    await Head(app)({"type": "lifespan"}, receive, send)
    assert passed == [({"type": "lifespan"}, receive, send)]
