"""What is known of a version's drift, as plain values that are written as JSON, and in words."""

from typing import Any

from app.telemetry.drift.compare import ShareShift, Signal
from app.telemetry.drift.course import Course
from app.telemetry.drift.tally import Tally

_MOST_LABELS = 50  # that are shown, the most frequent first


def described(version: str, course: Course) -> dict[str, Any]:
    """The facts of one version: app.supervision.watch.schemas.VersionDrift has their shape."""
    return {
        "version": version,
        "state": str(course.state),
        "baseline": _shown(course.baseline),
        "readings": course.window.readings if course.has_baseline else course.baseline.readings,
        "readings_needed": course.rule.window_readings if course.has_baseline else course.rule.baseline_readings,
        "window_readings": course.last_readings,
        "signals": [_signal(one, one.signal in course.told) for one in course.last],
        "said": said(version, course),
    }


def said(version: str, course: Course) -> str:
    """How it stands, in a sentence or two."""
    rule = course.rule
    if not course.has_baseline:
        return (
            f"Too few readings to tell: {course.baseline.readings:,} of {rule.baseline_readings:,} for a baseline of "
            f"{version}, which take {rule.baseline_seconds / 60:g} minutes at least."
        )
    if not course.last:
        return (
            f"Too few readings to tell: {course.window.readings:,} of {rule.window_readings:,} after the baseline of "
            f"{version}."
        )
    moved = [moved_of(version, one, course.last_readings) for one in course.last if one.signal in course.told]
    return " ".join(moved) if moved else f"What {version} reads looks like its baseline."


def moved_of(version: str, one: ShareShift, readings: int) -> str:
    """What one signal shows."""
    what = "is unsure of" if one.signal is Signal.UNCERTAIN else f"reads `{one.label}` in"
    return f"{version} {what} {one.now:.1%} of its last {readings:,} readings, and of {one.before:.1%} in its baseline."


def _signal(one: ShareShift, is_told: bool) -> dict[str, Any]:
    return {
        "signal": str(one.signal), "drifted": is_told, "label": one.label, "p": float(f"{one.p:.3g}"),
        "baseline_share": round(one.before, 6), "share": round(one.now, 6),
    }  # fmt: skip


def _shown(tally: Tally) -> dict[str, Any]:
    frequent = sorted(tally.labels, key=lambda name: (-tally.labels[name], name))[:_MOST_LABELS]
    shares = {name: round(tally.share(name), 6) for name in frequent}
    return {"readings": tally.readings, "uncertain_share": round(tally.uncertain_share, 6), "labels": shares}
