"""A body that has failed is told to whoever reads it, and a client that does not read is seen."""

import asyncio
from typing import Any, cast

import pytest
from starlette.types import Receive, Send

from app.errors import BadRequest
from app.web.http1 import refusals
from app.web.http1.exchange import Flow
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
