"""Something slow is looked at once for all who ask, and nobody waits long for it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from app.supervision.watch.glance import FRESH_SECONDS, Glance
from tests.support.patience import PATIENCE_SECONDS


class Slow:
    """Looks when it is let, and counts how often."""

    def __init__(self) -> None:
        self.looks, self.now = 0, 0.0
        self.let = threading.Event()
        self.let.set()

    def __call__(self) -> int:
        self.looks += 1
        assert self.let.wait(PATIENCE_SECONDS)
        return self.looks


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def glance(slow: Slow) -> Iterator[Glance[int]]:
    with closing(Glance(slow, "test", patience_seconds=PATIENCE_SECONDS, clock=lambda: slow.now)) as made:
        yield made
        slow.let.set()


async def test_once_a_second_for_all_who_ask(glance: Glance[int], slow: Slow) -> None:
    assert await asyncio.gather(*(glance.now() for _ in range(20))) == [1] * 20
    slow.now = FRESH_SECONDS / 2
    assert await glance.now() == 1
    slow.now = FRESH_SECONDS
    assert await glance.now() == 2


async def test_nobody_waits_long_and_the_look_goes_on(slow: Slow) -> None:
    slow.let.clear()
    with closing(Glance(slow, "test", patience_seconds=0.0, clock=lambda: slow.now)) as glance:
        assert await glance.now() is None
        slow.now = 100 * FRESH_SECONDS
        assert await glance.now() is None
        assert slow.looks <= 1, "no second one beside it"
        slow.let.set()
        while (found := await glance.now()) is None:
            await asyncio.sleep(0)
        assert found == 1


async def test_who_gives_up_takes_nothing_from_the_others(glance: Glance[int], slow: Slow) -> None:
    slow.let.clear()
    one, other = asyncio.create_task(glance.now()), asyncio.create_task(glance.now())
    await asyncio.sleep(0)
    one.cancel()
    slow.let.set()
    assert await other == 1


def test_it_starts_no_thread_before_it_is_asked(slow: Slow) -> None:
    before = threading.active_count()
    with closing(Glance(slow, "test")):
        assert threading.active_count() == before
