"""A process that is about to end: from then on each answer closes its connection, whoever has given it."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from app.web.drain import Drain
from app.web.entry import Entry, Service
from app.web.limits import BodyLimits

LIMITS = BodyLimits(10_000)


def client(drain: Drain, begins: bool = False) -> httpx.AsyncClient:
    """Of a small app; its drain begins while it answers, where it `begins`."""

    async def answer(_: Request) -> Response:
        if begins:
            drain.begin()
        return PlainTextResponse("here", headers={"connection": "keep-alive", "x-mine": "1"})

    app = Entry(Starlette(routes=[Route("/", answer)]), LIMITS, drain)
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


async def test_a_refusal_and_what_broke_close_it_too() -> None:
    async def broken(_: Request) -> Response:
        raise ArithmeticError

    drain = Drain()
    drain.begin()
    app = Service(routes=[Route("/broken", broken)])
    app.entry = Entry(app.routed, LIMITS, drain)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        for answer in (await http.get("/broken"), await http.post("/", content=b"x" * 10_001)):
            assert answer.headers.get_list("connection") == ["close"]
    assert answer.status_code == 413


async def test_what_is_no_answer_passes_untouched() -> None:
    drain, sent = Drain(), list[Message]()
    drain.begin()

    passed: list[object] = []

    async def app(*given: Any) -> None:
        passed.extend(given)
        await send({"type": "lifespan.startup.complete"})

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        sent.append(message)

    await Entry(app, LIMITS, drain)({"type": "lifespan"}, receive, send)
    assert sent == [{"type": "lifespan.startup.complete"}]
    assert passed == [{"type": "lifespan"}, receive, send]


@pytest.mark.parametrize(("begins", "starts"), [(True, False), (True, True), (False, False)])
async def test_what_is_not_done_at_the_end_is_answered_all_the_same(begins: bool, starts: bool) -> None:
    """As uvicorn does it, once its time is over; what was begun, or is cancelled by others, just ends."""
    drain, sent, waits = Drain(), list[Message](), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if starts:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        waits.set()
        await asyncio.sleep(3600)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    task = asyncio.create_task(Entry(app, LIMITS, drain)(scope, receive, send))
    await waits.wait()
    if begins:
        drain.begin()
    task.cancel()
    if begins and not starts:
        await task
        assert sent[0]["status"] == 503 and b'"draining"' in sent[1]["body"]
        assert {b"retry-after", b"connection"} <= {name for name, _ in sent[0]["headers"]}
    else:
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(sent) == starts
