"""Work ends where the client that waits for it goes away."""

import asyncio

import pytest
from starlette.requests import ClientDisconnect

from app.web.connection import while_connected
from tests.support.lines import Line, Work, scope
from tests.support.patience import PATIENCE_SECONDS, until


async def test_a_client_that_waits_gets_the_result() -> None:
    async def work() -> int:
        await asyncio.sleep(0.001)
        return 7

    line = Line()
    assert await while_connected(scope(line), work()) == 7
    assert len(line.heard) == 2 and line.heard[-1] is None  # nobody is cancelled afterwards


async def test_where_there_is_no_connection_the_client_stays() -> None:
    async def work() -> int:
        await asyncio.sleep(0.001)
        return 7

    assert await while_connected({"type": "http"}, work()) == 7


async def test_an_exception_of_the_work_passes_on() -> None:
    async def work() -> int:
        raise ArithmeticError("7")

    line = Line()
    with pytest.raises(ArithmeticError, match="7"):
        await while_connected(scope(line), work())
    assert line.heard[-1] is None


async def test_work_ends_where_the_client_goes_away_first() -> None:
    line, work = Line(), Work()
    waits = asyncio.create_task(while_connected(scope(line), work()))
    await until(lambda: work.began)
    line.go()
    with pytest.raises(ClientDisconnect):
        await waits
    assert work.was_cancelled and line.heard[-1] is None
    assert not waits.cancelled()


async def test_work_for_a_client_that_has_gone_already_is_not_begun() -> None:
    work = Work()

    async def request() -> str:
        try:
            return str(await while_connected(scope(Line(has_gone=True)), work()))
        except ClientDisconnect:
            await asyncio.sleep(0)  # a cancellation that still hung about would come here
            return "left"

    assert await asyncio.create_task(request()) == "left"
    assert not work.began


async def test_work_that_takes_its_end_ill_says_so() -> None:
    """It was cancelled, and raises something else: that is no client that went away."""

    async def work() -> None:
        try:
            await asyncio.sleep(PATIENCE_SECONDS)
        except asyncio.CancelledError:
            raise ArithmeticError from None

    line = Line()
    waits = asyncio.create_task(while_connected(scope(line), work()))
    await until(lambda: line.heard)
    line.go()
    with pytest.raises(ArithmeticError):
        await waits


async def test_work_ends_where_its_own_caller_is_cancelled() -> None:
    line, work = Line(), Work()
    caller = asyncio.create_task(while_connected(scope(line), work()))
    await until(lambda: work.began)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert work.was_cancelled and line.heard[-1] is None


async def test_a_server_that_ends_when_the_client_goes_is_heard() -> None:
    """Both cancel the request, and the server's word counts: it waits for the end of its tasks."""
    line, work = Line(), Work()
    caller = asyncio.create_task(while_connected(scope(line), work()))
    await until(lambda: work.began)
    line.go()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert work.was_cancelled
