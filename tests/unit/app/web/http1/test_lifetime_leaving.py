"""Work ends where its client leaves a real socket, on our protocol."""

import asyncio
from typing import cast

from starlette.types import ASGIApp, Receive, Scope, Send

from app.web.connection import while_connected
from app.web.entry import Entry
from app.web.http1.protocol import HttpProtocol
from app.web.limits import BodyLimits
from tests.support.lines import Work
from tests.support.patience import until
from tests.unit.app.web.http1.serving import Client, client, post, serving


def working(work: Work, bytes_read: list[int], outcomes: list[str]) -> ASGIApp:
    """A service that reads a request's body and works as long as somebody waits."""

    async def app(asked: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            bytes_read.append(0)
            message = await receive()
            bytes_read[-1] = len(message["body"])
            more = message["more_body"]
        try:
            await while_connected(asked, work())
        except BaseException as outcome:
            outcomes.append(type(outcome).__name__)
            raise

    return Entry(app, BodyLimits(2**24))


async def test_who_leaves_a_real_connection_is_heard_at_once() -> None:
    """Also where a long body came in one piece after the route had begun to wait for it: reading rests then. A client
    that says that nothing more comes may wait for its answer a while (RFC 9112, 9.6)."""
    work, bytes_read, outcomes = Work(), list[int](), list[str]()
    ways = [(0, Client.abort), (100, Client.end), (200_000, Client.abort), (200_000, Client.end)]
    async with serving(app=working(work, bytes_read, outcomes)) as served:
        for size, leaves in ways:
            work.began = work.was_cancelled = False
            async with client(served.port) as one:
                await one.send(post("/", declared=size))
                await until(lambda: bytes_read)
                if size:
                    (connection,) = served.server.server_state.connections
                    cast(HttpProtocol, connection).data_received(bytes(size))  # as from a socket that had it all
                await until(lambda: work.began)
                assert sum(bytes_read) == size
                leaves(one)
                await until(lambda: outcomes)
                assert (outcomes, work.was_cancelled) == (["ClientDisconnect"], True)
                await until(lambda: not served.open)
            bytes_read.clear()
            outcomes.clear()


async def test_who_stays_on_a_real_connection_has_the_next_answer_too() -> None:
    async def app(asked: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await while_connected(asked, asyncio.sleep(0.001))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async with serving(app=Entry(app, BodyLimits(2**24))) as served, client(served.port) as one:
        await one.send(3 * post("/", b"x"))  # two of them come too early
        for _ in range(3):
            assert (await one.answer())[0] == 204
        await one.send(post("/", b"x"))
        assert (await one.answer())[0] == 204
