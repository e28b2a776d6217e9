"""A training that hangs is told from one that gets no processor."""

import pytest

from app.jobs.watchdog import Watchdog


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watchdog(clock: Clock) -> Watchdog:
    return Watchdog(60, clock)


def test_one_that_gets_little_of_the_processor_is_left_alone(clock: Clock) -> None:
    watchdog = Watchdog(6000, clock)
    assert not watchdog.stalled(5)
    clock.now += 70_000  # 2 % of a core for most of a day: over ten times the limit by the clock
    assert not watchdog.stalled(1405)


def test_one_that_computes_without_progress_is_stalled(watchdog: Watchdog, clock: Clock) -> None:
    assert not watchdog.stalled(5)
    clock.now += 61
    assert not watchdog.stalled(65)
    assert watchdog.stalled(65.1)


def test_progress_begins_the_count_anew(watchdog: Watchdog, clock: Clock) -> None:
    watchdog.stalled(5)
    assert watchdog.stalled(70)
    watchdog.progress()
    assert not watchdog.stalled(70)
    assert watchdog.stalled(131)


def test_one_that_sleeps_for_good_is_stalled(watchdog: Watchdog, clock: Clock) -> None:
    assert not watchdog.stalled(5)
    clock.now += 601
    assert watchdog.stalled(5.1)


def test_where_nobody_knows_the_seconds_of_the_processor_the_clock_decides(watchdog: Watchdog, clock: Clock) -> None:
    clock.now += 599
    assert not watchdog.stalled(None)
    clock.now += 2
    assert watchdog.stalled(None)
