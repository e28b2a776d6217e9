"""When the database's clock is set, told by one that is not."""

import pytest

from app.storage.leaps import Leaps


class Clocks:
    """The database's time and this machine's seconds, as a test says they go."""

    def __init__(self) -> None:
        self.now, self.seconds = 1_790_000_000.0, 500.0
        self.leaps = Leaps(lambda: self.seconds)

    def after(self, seconds: float, leap: float = 0.0) -> bool:
        self.seconds += seconds
        self.now += seconds + leap
        return self.leaps.look(self.now)


def test_time_that_passes_is_no_leap() -> None:
    clocks = Clocks()
    assert all(clocks.after(seconds) for seconds in (0, 0.25, 2, 4000, 86_400))
    assert clocks.leaps.count == 0


def test_a_slow_answer_and_a_clock_that_is_led_are_none() -> None:
    clocks = Clocks()
    assert all(clocks.after(2, leap) for leap in (0.9, -0.9, 0.9, 0.9, 0.9))
    assert clocks.leaps.count == 0


@pytest.mark.parametrize("leap", [3600, 10, 1e9])
def test_after_a_leap_forward_nothing_is_over_for_a_moment(leap: float) -> None:
    clocks = Clocks()
    clocks.after(0)
    assert [clocks.after(0.25, leap), clocks.after(1), clocks.after(1.5), clocks.after(0.6)] == [False] * 3 + [True]
    assert clocks.leaps.count == 1


def test_a_leap_back_is_counted_and_keeps_nobody_waiting() -> None:
    clocks = Clocks()
    clocks.after(0)
    assert clocks.after(1, -3600) and clocks.leaps.count == 1
