"""Does a window of readings look like the baseline? Two shares are compared, each by an exact test."""

from dataclasses import dataclass
from enum import StrEnum

from app.telemetry.drift import fisher
from app.telemetry.drift.tally import Tally


class Signal(StrEnum):
    """What may have moved."""

    UNCERTAIN = "uncertain"  # the share of readings that the version is unsure of
    LABELS = "labels"  # how often it reads which label


@dataclass(frozen=True)
class Rule:
    """What counts as drift (docs/decisions/0027)."""

    level: float = 1e-6  # that a window is off by chance, both signals together
    least_uncertain: float = 0.03  # how far that share must have moved, up or down
    least_label: float = 0.05
    calm: float = 0.01  # a p above it is no sign of anything
    baseline_readings: int = 1000
    baseline_seconds: float = 600.0  # or longer: not what one visitor sent in a moment
    window_readings: int = 500
    window_seconds: float = 60.0
    windows: int = 2  # that must agree, one after the other, before something is told or taken back


@dataclass(frozen=True)
class ShareShift:
    """One signal of one window."""

    signal: Signal
    p: float  # for all that this signal looks at together
    before: float  # share in the baseline
    now: float
    label: str | None = None  # the one that has moved most clearly
    is_off: bool = False  # too far to be chance
    is_calm: bool = False  # as ever

    @property
    def shift(self) -> float:
        """How far the share has moved; below 0: down."""
        return self.now - self.before


def compared(baseline: Tally, window: Tally, rule: Rule) -> tuple[ShareShift, ShareShift]:
    """Both signals. Windows that are drawn as the baseline was are off with at most the rule's level: each signal has
    half of it, and each label its part of that half (Bonferroni)."""
    p = fisher.two_sided(window.uncertain, window.readings, baseline.uncertain, baseline.readings)
    shares = baseline.uncertain_share, window.uncertain_share
    uncertain = _judged(Signal.UNCERTAIN, p, *shares, None, rule.least_uncertain, rule)
    names = sorted({*baseline.labels, *window.labels})
    found = [
        (fisher.two_sided(window.labels.get(name, 0), window.readings, baseline.labels.get(name, 0), baseline.readings),
         -abs(window.share(name) - baseline.share(name)), name)
        for name in names
    ]  # fmt: skip
    least, _, label = min(found, default=(1.0, 0.0, ""))
    shares = baseline.share(label), window.share(label)
    p = min(1.0, least * max(1, len(names)))
    return uncertain, _judged(Signal.LABELS, p, *shares, label or None, rule.least_label, rule)


def _judged(
    signal: Signal, p: float, before: float, now: float, label: str | None, least: float, rule: Rule
) -> ShareShift:
    shift = abs(now - before)
    is_off = p < rule.level / 2 and shift >= least
    is_calm = p > rule.calm or shift < least / 2
    return ShareShift(signal, p, before, now, label, is_off, is_calm)
