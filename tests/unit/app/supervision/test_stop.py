"""Signals as `serve` understands them, raised for real."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from app.supervision.stop import Stop

BOTH = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture(autouse=True)
def _handlers_as_before() -> Iterator[None]:
    before = [signal.getsignal(number) for number in BOTH]
    yield
    for number, handler in zip(BOTH, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", BOTH)
def test_before_the_loop_it_leaves_and_once(number: signal.Signals) -> None:
    Stop().install()
    with pytest.raises(SystemExit) as left:
        signal.raise_signal(number)
    assert left.value.code == 0
    signal.raise_signal(number)  # changes nothing


@pytest.mark.parametrize(("second", "hurries"), [(signal.SIGTERM, False), (signal.SIGINT, True)])
def test_a_second_ctrl_c_hurries_and_nothing_else_does(second: signal.Signals, hurries: bool) -> None:
    stop = Stop()

    async def signalled() -> tuple[bool, bool]:
        stop.attach()
        signal.raise_signal(signal.SIGTERM)
        await stop.asked.wait()
        first = stop.hurried.is_set()
        signal.raise_signal(second)
        await asyncio.sleep(0.01)
        return first, stop.hurried.is_set()

    stop.install()
    assert asyncio.run(signalled()) == (False, hurries)
    signal.raise_signal(signal.SIGINT)  # the loop is closed: it changes nothing


@pytest.mark.parametrize("number", BOTH)
def test_while_asyncio_begins_it_is_remembered(number: signal.Signals) -> None:
    stop = Stop()

    async def serve() -> bool:
        signal.raise_signal(number)
        stop.attach()
        return stop.asked.is_set() and stop.hurried.is_set() == (number == signal.SIGINT)

    stop.install()
    stop.hold()
    signal.raise_signal(number)
    assert asyncio.run(serve())
