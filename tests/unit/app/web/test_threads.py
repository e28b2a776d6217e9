"""Threads for what is slow: so many at once, and nobody waits for a turn longer than it says."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from app.errors import DatabaseUnavailable, TooBusy
from app.web.threads import ThreadLane
from tests.support.leaping import LeapingLoop, leap
from tests.support.patience import PATIENCE_SECONDS, until


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "asyncio", {"loop_factory": LeapingLoop}


class Held:
    """A question that is answered when it may, and knows how many threads asked it at once."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = 0
        self.most = self._now = 0
        self._lock = threading.Lock()

    def __call__(self, number: int = 0, *, times: int = 1) -> int:
        with self._lock:
            self.begun += 1
            self._now += 1
            self.most = max(self.most, self._now)
        assert self.go.wait(PATIENCE_SECONDS)
        with self._lock:
            self._now -= 1
        return number * times


@pytest.fixture
def held() -> Iterator[Held]:
    question = Held()
    yield question
    question.go.set()


async def test_a_question_gets_its_details_and_is_asked_beside_the_event_loop() -> None:
    lane = ThreadLane(1, wait_seconds=60)
    assert await lane.ask(divmod, 17, 5) == (3, 2)
    assert await lane.ask(sorted, [1, 3, 2], reverse=True) == [3, 2, 1]
    assert await lane.ask(threading.get_ident) != threading.get_ident()


async def test_an_exception_of_the_question_passes_on() -> None:
    lane = ThreadLane(1, wait_seconds=60)
    with pytest.raises(ZeroDivisionError):
        await lane.ask(divmod, 1, 0)
    assert await lane.ask(divmod, 1, 1) == (1, 0)  # its thread is free again


async def test_so_many_threads_are_busy_at_once_and_no_more(held: Held) -> None:
    lane = ThreadLane(2, wait_seconds=60)
    asked = [asyncio.create_task(lane.ask(held, number, times=2)) for number in range(5)]
    await until(lambda: held.begun == 2)
    held.go.set()
    assert await asyncio.gather(*asked) == [0, 2, 4, 6, 8]
    assert held.most == 2


async def test_who_gets_no_turn_is_told_and_who_has_one_is_waited_for(held: Held) -> None:
    lane = ThreadLane(1, wait_seconds=60)
    first = asyncio.create_task(lane.ask(held, 7))
    await until(lambda: held.begun == 1)
    second = asyncio.create_task(lane.ask(held, 8))
    await asyncio.sleep(0.001)  # until it stands in line
    leap(61)
    with pytest.raises(DatabaseUnavailable) as refused:
        await second
    assert refused.value.code == "database_unavailable"
    held.go.set()
    assert await first == 7
    assert held.begun == 1  # the other was never asked


async def test_a_lane_may_say_of_what_there_is_too_much(held: Held) -> None:
    lane = ThreadLane(1, 60, lambda: TooBusy("too_busy", "Look again later."))
    first = asyncio.create_task(lane.ask(held))
    await until(lambda: held.begun == 1)
    second = asyncio.create_task(lane.ask(held))
    await asyncio.sleep(0.001)
    leap(61)
    with pytest.raises(TooBusy, match="Look again later"):
        await second
    held.go.set()
    await first
