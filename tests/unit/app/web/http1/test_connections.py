"""A full house: who gives way to a newcomer, and who is told that there is no place."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from app.web.http1.limits import HttpLimits
from tests.support.leaping import LeapingLoop, leap
from tests.support.patience import until
from tests.unit.app.web.http1.serving import GET, Client, ask, client, post, serving

HALF = b"GET /here HTTP/1.1\r\nHost: x\r\nX-"
WAIT = GET.replace(b"/here", b"/stream")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "asyncio", {"loop_factory": LeapingLoop}


async def clients(port: int, stack: contextlib.AsyncExitStack, *said: bytes) -> list[Client]:
    """Connections that came one after the other."""
    made = []
    for words in said:
        made.append(await stack.enter_async_context(client(port)))
        await made[-1].send(words)
        await asyncio.sleep(0.02)
    return made


@pytest.mark.parametrize("said", [b"", HALF, b"nonsense\r\n\r\n"], ids=["idle", "half a head", "refused already"])
async def test_the_longest_idle_gives_way_to_a_newcomer(said: bytes) -> None:
    async with serving(HttpLimits(max_connections=3)) as served, contextlib.AsyncExitStack() as stack:
        first, *_ = await clients(served.port, stack, said, b"", HALF)
        for _ in range(10):
            assert (await ask(served.port))[0] == 200
        await first.rest()
        assert len(served.connections) <= 3


async def test_who_was_answered_just_now_gives_way_last() -> None:
    async with serving(HttpLimits(max_connections=2)) as served, contextlib.AsyncExitStack() as stack:
        first, second = await clients(served.port, stack, b"", b"")
        await first.send(GET)
        await first.answer()
        assert (await ask(served.port))[0] == 200
        assert await second.rest() == b""
        await first.send(GET)
        assert (await first.answer())[0] == 200


async def test_the_slowest_body_gives_way_where_nobody_is_idle() -> None:
    async with serving(HttpLimits(max_connections=3)) as served, contextlib.AsyncExitStack() as stack:
        bodies = (post("/body", b"x" * 50_000, declared=10**6), post("/body", b"x", declared=10**6))
        fast, slow, stream = await clients(served.port, stack, *bodies, WAIT)
        leap(5)
        assert (await ask(served.port))[0] == 200
        assert await slow.rest() == b""
        await fast.send(b"x" * 950_000)
        assert (await fast.answer())[2] == b"1000000"
        assert (await stream.answer())[0] == 200


async def test_where_nobody_gives_way_newcomers_are_told_so() -> None:
    async with serving(HttpLimits(max_connections=2)) as served, contextlib.AsyncExitStack() as stack:
        await clients(served.port, stack, WAIT, WAIT)
        async with client(served.port) as one:
            await one.send(GET)
            _, headers, _ = await one.answer()
            assert int(headers["retry-after"]) > 0
        async with client(served.port) as one:
            await one.send(GET)
            assert await one.problem() == (503, "too_many_connections")
            assert await one.rest() == b""
        assert len(served.connections) == 2


async def test_newcomers_without_a_place_take_none() -> None:
    async with serving(HttpLimits(max_connections=1)) as served, contextlib.AsyncExitStack() as stack:
        await clients(served.port, stack, WAIT)
        crowd = [await stack.enter_async_context(client(served.port)) for _ in range(100)]
        closed = await asyncio.gather(*(one.rest() for one in crowd[64:]))  # not even one to tell it so
        assert closed == [b""] * 36 and served.open == 65
        leap(6)  # who says nothing is let go
        await until(lambda: served.open == 1)
        await asyncio.gather(*(one.rest() for one in crowd))


async def test_nobody_waits_for_those_who_send_requests_ahead() -> None:
    count = 0

    async def app(scope: object, receive: object, send: Callable[[dict[str, object]], Awaitable[None]]) -> None:
        nonlocal count
        count += 1
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    async with serving(app=app) as served, contextlib.AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(client(served.port)) for _ in range(100)]
        for one in crowd:
            await one.send(GET * 1000)
        await until(lambda: count >= 200)
        before = count
        assert (await ask(served.port))[0] == 200
        assert count - before < 100  # less than one of each: all of them had several turns before
        await crowd[-1].answer()
        await crowd[-1].answer()


async def test_nothing_is_left_when_all_have_gone() -> None:
    async with serving() as served:
        async with contextlib.AsyncExitStack() as stack:
            await clients(served.port, stack, b"", HALF, WAIT, post("/body", b"x", declared=9))
            assert len(served.connections) == 4
        await until(lambda: not served.open)
        assert len(served.connections) == 0 and served.connections._timer is None
        await until(lambda: not served.server.server_state.tasks)
