"""When the database's clock is set, told by one that is not."""

import pytest

from app.storage.leaps import Leaps


class Clocks:
    """The database's time and this machine's seconds, as a test says they go."""

    def __init__(self) -> None:
        self.now, self.seconds = 1_790_000_000.0, 500.0
        self.leaps = Leaps(lambda: self.seconds)

    def after(self, seconds: float, leap: float = 0.0, asked: float = 0.0, answered: float = 0.0) -> bool:
        """A look after so many seconds; the question and the answer take their time."""
        self.seconds += seconds
        self.now += seconds + leap

        def ask() -> float:
            self.seconds += asked
            self.now += asked
            told = self.now
            self.seconds += answered
            self.now += answered
            return told

        return self.leaps.look(ask)


def test_time_that_passes_is_no_leap() -> None:
    clocks = Clocks()
    assert all(clocks.after(seconds) for seconds in (0, 0.25, 2, 4000, 86_400))
    assert clocks.leaps.count == 0


def test_a_slow_answer_and_a_clock_that_is_led_are_none() -> None:
    clocks = Clocks()
    assert all(clocks.after(2, leap) for leap in (0.9, -0.9, 0.9, 0.9, 0.9))
    assert clocks.leaps.count == 0


def test_a_database_that_answers_now_at_once_and_now_late_puts_nothing_off() -> None:
    clocks, times = Clocks(), [(0.0, 4.0), (0.0, 0.0), (4.0, 0.0), (0.0, 4.0)]
    assert all(clocks.after(0.25, asked=asked, answered=answered) for asked, answered in 50 * times)
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
