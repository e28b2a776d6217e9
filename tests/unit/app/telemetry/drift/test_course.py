"""A version's course: baseline, windows, and what is told when."""

import numpy as np

from app.telemetry.drift.compare import Rule, Signal
from app.telemetry.drift.course import Course
from app.telemetry.drift.tally import Tally
from tests.unit.app.telemetry.drift.drawn import EVEN, POSTAL, drawn

RULE = Rule()
SEVENS = (0.02,) * 7 + (0.82, 0.02, 0.02)


class Fed:
    """A course that is looked at once a minute, whatever comes meanwhile."""

    def __init__(self, rng: np.random.Generator, rule: Rule = RULE) -> None:
        self.course = Course(rule)
        self.total = Tally()
        self.now = 0.0
        self._rng = rng

    def minute(self, readings: int, unsure: float = 0.05, mix: tuple[float, ...] = EVEN) -> frozenset[Signal]:
        self.total = self.total.plus(drawn(self._rng, readings, unsure, mix))
        self.now += 60.0
        return self.course.look(self.total, self.now)

    @property
    def state(self) -> str:
        return str(self.course.state)

    def minutes(
        self, count: int, readings: int = 500, unsure: float = 0.05, mix: tuple[float, ...] = EVEN
    ) -> list[frozenset[Signal]]:
        return [self.minute(readings, unsure, mix) for _ in range(count)]


def test_the_same_pictures_are_quiet_over_a_hundred_windows(rng: np.random.Generator) -> None:
    for mix in (EVEN, POSTAL):
        fed = Fed(rng)
        assert not any(fed.minutes(12, mix=mix)), "its baseline"
        assert fed.course.has_baseline
        assert not any(fed.minutes(100, mix=mix))
        assert fed.state == "steady"


def test_only_sevens_are_told_once_and_taken_back_once(rng: np.random.Generator) -> None:
    fed = Fed(rng)
    fed.minutes(20)
    said = fed.minutes(10, mix=SEVENS)
    assert said == [frozenset(), {Signal.LABELS}, *[frozenset()] * 8], "the second window in a row tells it"
    assert fed.state == "drifted"
    assert fed.minutes(5) == [frozenset(), {Signal.LABELS}, *[frozenset()] * 3]
    assert fed.state == "steady"


def test_photographs_of_another_kind_are_told(rng: np.random.Generator) -> None:
    fed = Fed(rng)
    fed.minutes(20)
    assert fed.minutes(2, unsure=0.3) == [frozenset(), {Signal.UNCERTAIN}]
    assert fed.course.told == {Signal.UNCERTAIN}


def test_one_window_alone_is_not_told(rng: np.random.Generator) -> None:
    """One visitor has sent all his sevens."""
    fed = Fed(rng)
    fed.minutes(20)
    assert not any(said for _ in range(5) for said in (*fed.minutes(1, mix=SEVENS), *fed.minutes(1)))


def test_few_requests_are_too_few(rng: np.random.Generator) -> None:
    fed = Fed(rng)
    fed.minutes(30, readings=10, mix=SEVENS)
    assert (fed.state, fed.course.has_baseline) == ("too_few", False)
    fed.minutes(1, readings=700)
    assert fed.course.has_baseline
    fed.minutes(30, readings=10, mix=SEVENS)
    assert fed.state == "too_few", "300 readings are no window"
    fed.minutes(30, readings=10, mix=SEVENS)
    assert fed.course.last_readings == 500


def test_a_moment_is_no_baseline_and_no_window(rng: np.random.Generator) -> None:
    course = Course(RULE)
    total = drawn(rng, 5000)
    course.look(total, 0.0)
    course.look(total, RULE.baseline_seconds - 1)
    assert not course.has_baseline
    course.look(total, RULE.baseline_seconds)
    assert course.has_baseline
    course.look(total.plus(drawn(rng, 5000)), RULE.baseline_seconds + 5)
    assert not course.last
    course.look(total.plus(drawn(rng, 5000)), RULE.baseline_seconds + 5 + RULE.window_seconds)
    assert course.last


def test_a_server_that_counts_anew_goes_on(rng: np.random.Generator) -> None:
    fed = Fed(rng)
    fed.minutes(20)
    fed.total = Tally()
    assert not any(fed.minutes(5))
    assert fed.state == "steady"


def test_a_kept_baseline_needs_no_other(rng: np.random.Generator) -> None:
    fed = Fed(rng)
    fed.course = Course(RULE, drawn(rng, 1200), RULE.baseline_seconds)
    fed.minutes(1)  # the time since the first look counts
    assert fed.minutes(3, mix=SEVENS)[-2:].count(frozenset({Signal.LABELS})) == 1
