"""The course of one version: its first readings are its baseline, and every window after them is held against it."""

from dataclasses import dataclass, field
from enum import StrEnum

from app.telemetry.drift.compare import Rule, ShareShift, Signal, compared
from app.telemetry.drift.tally import Tally


class DriftState(StrEnum):
    """What is known of a version."""

    TOO_FEW = "too_few"  # readings, for a baseline or for a first window
    STEADY = "steady"
    DRIFTED = "drifted"


@dataclass
class Course:
    """One version. `look` is called every few seconds with all that it has said since the server started."""

    rule: Rule
    baseline: Tally = field(default_factory=Tally)
    baseline_seconds: float = 0.0  # in which it was gathered
    window: Tally = field(default_factory=Tally)  # the one that is being filled
    last: tuple[ShareShift, ...] = ()  # what the last whole window showed
    last_readings: int = 0
    told: frozenset[Signal] = frozenset()  # that have moved
    seen: Tally = field(default_factory=Tally)  # all that was there at the last look
    _streaks: dict[Signal, int] = field(default_factory=dict)  # windows in a row that speak for a change
    _looked: float | None = None
    _window_seconds: float = 0.0

    @property
    def has_baseline(self) -> bool:
        """Whether it has a whole one."""
        enough = self.baseline.readings >= self.rule.baseline_readings
        return enough and self.baseline_seconds >= self.rule.baseline_seconds

    @property
    def state(self) -> DriftState:
        """What is known."""
        if not self.last:
            return DriftState.TOO_FEW
        return DriftState.DRIFTED if self.told else DriftState.STEADY

    def look(self, total: Tally, now: float) -> frozenset[Signal]:
        """Takes in what has come since the last look; the signals whose state has changed by it. `now` is in seconds
        of a clock that never goes back."""
        more, seconds = total.since(self.seen), 0.0 if self._looked is None else now - self._looked
        self.seen, self._looked = total, now
        if not self.has_baseline:
            self.baseline = self.baseline.plus(more)
            self.baseline_seconds += seconds if self.baseline.readings else 0.0
            return frozenset()
        self.window = self.window.plus(more)
        self._window_seconds += seconds if self.window.readings else 0.0
        if self.window.readings < self.rule.window_readings or self._window_seconds < self.rule.window_seconds:
            return frozenset()
        return self._judge()

    def _judge(self) -> frozenset[Signal]:
        self.last, self.last_readings = compared(self.baseline, self.window, self.rule), self.window.readings
        self.window, self._window_seconds = Tally(), 0.0
        before = self.told
        for one in self.last:
            speaks = one.is_calm if one.signal in self.told else one.is_off
            streak = self._streaks.get(one.signal, 0) + 1 if speaks else 0
            if streak >= self.rule.windows:
                self.told, streak = self.told ^ {one.signal}, 0
            self._streaks[one.signal] = streak
        return before ^ self.told
