"""Who sends or reads too slowly is told so or cut off, and who is only slow is not; seconds leap."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.web.http1.limits import HttpLimits
from tests.support.leaping import LeapingLoop, leap
from tests.support.patience import until
from tests.unit.app.web.http1.serving import GET, MIB, Client, Served, ask, chunked, client, post, serving

HALF = b"GET /here HTTP/1.1\r\nHost: x\r\nX-"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "asyncio", {"loop_factory": LeapingLoop}


async def heard(served: Served, count: int = 1) -> None:
    """The server has taken note of what was sent."""
    await until(lambda: served.open >= count)
    await asyncio.sleep(0.05)


async def pass_seconds(seconds: float, each: Callable[[], Awaitable[None]] | None = None) -> None:
    """Second by second, so that the server looks in between."""
    for _ in range(round(seconds)):
        leap(1.0)
        await asyncio.sleep(0.002)
        if each is not None:
            await each()


async def is_open(one: Client) -> bool:
    """Nothing has come, not even an end."""
    listening = asyncio.ensure_future(one.rest())
    await asyncio.sleep(0.05)
    ended = listening.done()
    listening.cancel()
    return not ended


async def test_a_head_that_stops_is_answered_408() -> None:
    async with serving() as served, client(served.port) as one, client(served.port) as slow:
        await one.send(HALF)
        await slow.send(GET[:20])
        await heard(served, 2)
        await pass_seconds(7)
        await slow.send(GET[20:])
        assert (await slow.answer())[0] == 200
        await pass_seconds(5)
        assert await one.problem() == (408, "request_timeout")
        assert await one.rest() == b""
        assert (await ask(served.port))[0] == 200


async def test_a_head_that_trickles_is_answered_408() -> None:
    async with serving() as served, client(served.port) as one:
        letters = iter(HALF + b"y" * 100)
        await one.send(bytes([next(letters)]))
        await heard(served)
        await pass_seconds(12, lambda: one.send(bytes([next(letters)])))
        assert await one.problem() == (408, "request_timeout")


async def test_an_idle_connection_is_closed_when_its_time_is_over_and_not_before() -> None:
    async with serving() as served, client(served.port) as fresh, client(served.port) as used:
        await used.send(GET)
        await used.answer()
        await heard(served, 2)
        await pass_seconds(70)
        assert served.open == 2
        await pass_seconds(8)
        for one in (fresh, used):
            assert await one.rest() == b""


async def test_a_body_that_stops_is_answered_408_by_its_route() -> None:
    async with serving() as served:
        for request in (post("/body", b"x" * 100, declared=1000), chunked([b"x"])[:-9]):
            async with client(served.port) as one:
                await one.send(request)
                await heard(served)
                await pass_seconds(15)
                assert await is_open(one)
                await pass_seconds(8)
                assert await one.problem() == (408, "request_timeout")
                assert await one.rest() == b""


async def test_a_body_that_rests_and_goes_on_is_read() -> None:
    """As over a telephone in a train."""
    async with serving() as served, client(served.port) as one:
        await one.send(post("/body", declared=60_000))
        await heard(served)
        for _ in range(3):
            await pass_seconds(15)
            await one.send(b"x" * 20_000)
            await asyncio.sleep(0.05)
        assert (await one.answer())[2] == b"60000"


async def test_a_body_that_trickles_is_answered_408_and_others_are_answered_meanwhile() -> None:
    async with serving() as served, client(served.port) as one:
        await one.send(post("/body", declared=10**6))
        await heard(served)
        await pass_seconds(20, lambda: one.send(b"x" * 100))
        assert (await ask(served.port))[0] == 200
        await pass_seconds(10, lambda: one.send(b"x" * 100))
        assert await one.problem() == (408, "request_timeout")


async def test_where_bytes_are_short_the_slowest_body_gives_way() -> None:
    """Much at once and then a trickle holds what others need."""
    async with serving(budget=20 * MIB) as served, client(served.port) as slow, client(served.port) as honest:
        await slow.send(post("/body", b"x" * (8 * MIB), declared=9 * MIB))
        await until(lambda: served.budget.held > 7 * MIB)
        await pass_seconds(30, lambda: slow.send(b"x" * 1024))
        body = b"x" * (8 * MIB)
        await honest.send(post("/body", body))
        assert (await honest.answer())[2] == b"%d" % len(body)
        assert await slow.problem() == (503, "too_busy")
        await until(lambda: served.budget.held == 0)


async def test_who_says_that_nothing_more_comes_is_answered() -> None:
    async with serving() as served, client(served.port) as one:
        await one.send(GET + GET)
        one.end()
        assert [(await one.answer())[0], (await one.answer())[0]] == [200, 200]
        assert await one.rest() == b""
        await until(lambda: served.open == 0)


async def test_an_answer_for_nobody_is_given_up() -> None:
    """Whoever has gone looks like one who only says that nothing more comes."""
    is_over = asyncio.Event()

    async def app(scope: object, receive: Callable[[], Awaitable[dict[str, object]]], send: object) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        is_over.set()

    async with serving(app=app) as served, client(served.port) as one:
        await one.send(GET)
        await heard(served)
        one.end()
        await asyncio.sleep(0.05)
        await pass_seconds(3)
        await asyncio.wait_for(is_over.wait(), 10)
        assert await one.rest() == b""


async def test_a_body_must_come_to_an_end() -> None:
    async with serving() as served, client(served.port) as one:
        await one.send(post("/body", declared=9 * MIB))
        await heard(served)
        await pass_seconds(290, lambda: one.send(b"x" * 2048))
        assert await is_open(one)
        await pass_seconds(40, lambda: one.send(b"x" * 2048))
        assert await one.problem() == (408, "request_timeout")


async def test_a_slow_answer_is_waited_for() -> None:
    go_on = asyncio.Event()

    async def app(scope: object, receive: object, send: object) -> None:
        await go_on.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body"})  # type: ignore[operator]

    async with serving(app=app) as served, client(served.port) as one:
        await one.send(GET)
        await heard(served)
        await pass_seconds(700)
        go_on.set()
        assert (await one.answer())[0] == 204


@pytest.mark.parametrize("path", ["/long", "/stream"])
async def test_who_does_not_read_an_answer_is_cut(path: str) -> None:
    async with serving() as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(GET.replace(b"/here", path.encode()))
        await heard(served)
        (protocol,) = served.server.server_state.connections
        await until(lambda: protocol.flow.write_paused)  # type: ignore[union-attr]
        await pass_seconds(50)
        assert served.open == 1
        await pass_seconds(20)
        await until(lambda: served.open == 0)
        await until(lambda: not served.server.server_state.tasks)
        writer.transport.abort()


async def test_who_reads_slowly_is_not_cut() -> None:
    """Minutes after the answer was made."""
    async with serving() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=4096)
        writer.write(GET.replace(b"/here", b"/long"))
        await heard(served)
        for _ in range(8):
            await pass_seconds(20)
            for _ in range(4):
                assert await reader.readexactly(MIB)
        writer.transport.abort()


async def test_who_was_refused_and_stays_is_cut() -> None:
    limits = HttpLimits(linger_seconds=2)
    async with serving(limits) as served, client(served.port) as silent, client(served.port) as talking:
        for one in (silent, talking):
            await one.send(b"nonsense\r\n\r\n")
            assert (await one.problem())[0] == 400
        await pass_seconds(4, lambda: talking.send(b"x"))
        await until(lambda: served.open == 1)
        await pass_seconds(12, lambda: talking.send(b"x"))
        await until(lambda: served.open == 0)


async def test_a_body_that_was_answered_and_does_not_end_is_cut() -> None:
    async with serving() as served, client(served.port) as one:
        await one.send(post("/unread", declared=1000))
        assert (await one.answer())[0] == 200
        await pass_seconds(12)
        await until(lambda: served.open == 0)
