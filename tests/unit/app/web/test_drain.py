"""A process that is about to end: from then on each answer closes its connection."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from app.web.drain import Drain, Draining


def client(drain: Drain, begins: bool = False) -> httpx.AsyncClient:
    """Of a small app; its drain begins while it answers, where it `begins`."""

    async def answer(_: Request) -> Response:
        if begins:
            drain.begin()
        return PlainTextResponse("here", headers={"connection": "keep-alive", "x-mine": "1"})

    app = Draining(Starlette(routes=[Route("/", answer)]), drain)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_before_it_begins_an_answer_passes_as_it_is() -> None:
    async with client(Drain()) as http:
        answer = await http.get("/")
    assert (answer.text, answer.headers["connection"], answer.headers["x-mine"]) == ("here", "keep-alive", "1")


@pytest.mark.parametrize("path", ["/", "/nowhere"])
async def test_once_it_has_begun_every_answer_closes_its_connection(path: str) -> None:
    drain = Drain()
    drain.begin()
    assert drain.begun
    async with client(drain) as http:
        for _ in range(2):
            answer = await http.get(path)
            assert answer.headers.get_list("connection") == ["close"]  # RFC 9112, 9.6
    assert answer.status_code == (200 if path == "/" else 404)


async def test_an_answer_that_is_being_made_when_it_begins_closes_too() -> None:
    async with client(Drain(), begins=True) as http:
        answer = await http.get("/")
    assert (answer.text, answer.headers["connection"]) == ("here", "close")


async def test_what_is_no_answer_passes_untouched() -> None:
    drain, sent = Drain(), list[Message]()
    drain.begin()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.complete"})

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        sent.append(message)

    await Draining(app, drain)({"type": "lifespan"}, receive, send)
    assert sent == [{"type": "lifespan.startup.complete"}]
