"""Watches what versions read for drift, for all processes of a server: in one place, so that it is said once."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from app.supervision.watch.baselines import MOST, Baselines
from app.telemetry.board import Board
from app.telemetry.drift import report
from app.telemetry.drift.compare import Rule, Signal
from app.telemetry.drift.course import Course
from app.telemetry.drift.tally import Tally
from app.telemetry.instruments import OTHER, Cells
from app.telemetry.notes import SharedNote
from app.telemetry.overview import totals_of

LOOK_SECONDS = 10.0
_KEEP_SECONDS = 60.0  # between two writings of baselines that still grow
_WHAT_TO_DO = (
    "Look at what comes now (/review, DIGITSERVE_KEEP_UNCERTAIN). Teach it, or promote another version; if it is to "
    "stay so, delete drift.json in the state folder: a new baseline is learned"
)

_log = structlog.get_logger("digitserve.drift")


def tallies(readings: Cells) -> dict[str, Tally]:
    """By version, from the cells of digitserve_readings_total: (version, label, uncertain) -> [count]."""
    found: dict[str, Tally] = {}
    for (version, label, uncertain), (count,) in readings.items():
        if version != OTHER:
            one = Tally(int(count), int(count) if uncertain == "true" else 0, {label: int(count)})
            found[version] = found.get(version, Tally()).plus(one)
    return found


class DriftWatch:
    """One of a server. `look` is called every few seconds."""

    def __init__(
        self,
        totals: Callable[[], Cells],
        note: SharedNote,
        baselines: Baselines,
        rule: Rule | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`totals` are the readings of all processes; what is known is written into `note`, for all to read."""
        self._totals = totals
        self._note = note
        self._baselines = baselines
        self._rule = rule or Rule()
        self._clock = clock
        self._courses: dict[str, Course] = {}  # who was seen last is last
        self._seen: dict[str, int] = {}
        self._kept_at, self._is_kept = -_KEEP_SECONDS, False
        self._begin()

    async def run(self) -> None:
        """Looks until it is cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.look)
            except Exception:  # nobody else would see that it has ended
                _log.exception("unforeseen")
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Takes in what was read since the last look, and says what has changed by it."""
        now, complete = self._clock(), False
        if self._is_kept and not self._baselines.is_there():  # somebody wants new ones
            self._courses = {version: Course(self._rule, seen=course.seen) for version, course in self._courses.items()}
            self._is_kept = False
            _log.info("drift_begins_anew")
        for version, tally in tallies(self._totals()).items():
            course = self._course(version, tally)
            had_one = course.has_baseline
            changed = course.look(tally, now)
            complete = complete or course.has_baseline != had_one
            for signal in sorted(changed):
                self._say(version, course, signal)
        self._keep(now, complete)
        self._tell()

    def _begin(self) -> None:
        for version, (tally, seconds) in self._baselines.read().items():
            self._courses[version] = Course(self._rule, tally, seconds)
            self._is_kept = True

    def _course(self, version: str, tally: Tally) -> Course:
        """Its course; a version that has read something since the last look is the one that was seen last."""
        course = self._courses.pop(version, None) or Course(self._rule)
        if self._seen.get(version) == tally.readings:
            self._courses = {version: course, **self._courses}
        else:
            self._courses[version] = course
        self._seen[version] = tally.readings
        while len(self._courses) > MOST:
            del self._courses[next(iter(self._courses))]
        return course

    def _say(self, version: str, course: Course, signal: Signal) -> None:
        (one,) = (one for one in course.last if one.signal is signal)
        sentence = report.moved_of(version, one, course.last_readings)
        facts = {
            "version": version,
            "signal": str(signal),
            "share": round(one.now, 4),
            "baseline": round(one.before, 4),
        }
        if one.label is not None:
            facts["label"] = one.label
        if signal in course.told:
            _log.warning("drift", **facts, p=float(f"{one.p:.2g}"), why=f"{sentence} {_WHAT_TO_DO}")
        else:
            _log.info("drift_over", **facts, why=sentence)

    def _keep(self, now: float, is_complete: bool) -> None:
        grow = any(course.baseline.readings and not course.has_baseline for course in self._courses.values())
        if is_complete or (grow and now - self._kept_at >= _KEEP_SECONDS):
            self._kept_at = now
            gathered = {name: (course.baseline, course.baseline_seconds) for name, course in self._courses.items()}
            self._is_kept = self._baselines.keep({name: one for name, one in gathered.items() if one[0].readings})

    def _tell(self) -> None:
        facts = [report.described(version, course) for version, course in reversed(self._courses.items())]
        text = json.dumps(facts).encode()
        while len(text) > self._note.room:  # labels may be long words
            facts.pop()
            text = json.dumps(facts).encode()
        self._note.write(text)


def drift_watch(board: Board, state_dir: Path) -> DriftWatch:
    """Of all processes that write on a board."""

    def readings() -> Cells:
        return totals_of(board).get("digitserve_readings_total", {})

    return DriftWatch(readings, SharedNote(board.notes), Baselines(state_dir))


def known(note: SharedNote) -> list[Mapping[str, object]]:
    """What the watch has written down last; nothing where there is none, or where it has not looked yet."""
    found: list[Mapping[str, object]] = json.loads(note.read() or b"[]")
    return found
