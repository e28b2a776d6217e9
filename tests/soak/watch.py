"""What the service's processes hold meanwhile: memory and descriptors, looked at once a second."""

import bisect
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.processes import descriptors, resident
from tests.soak.server import Server

_LOOK_SECONDS = 1.0
_SETTLED_SECONDS = 60.0  # after which a process has loaded what it serves with, and has been through all kinds of work
_LONG_SECONDS = 120.0  # after these, without which nothing can be said about growth
_GROWTH = 600 * 10**6  # bytes: at most over the first settled look
_CREEP, _MORE_DESCRIPTORS = (
    60 * 10**6,
    50,
)  # at most, of a line through all settled looks, from its beginning to its end
_MOST_DESCRIPTORS = 4096  # at any time
_SERVING = ("api", "worker", "supervisor")


@dataclass
class Life:
    """One process: its role, and what it held at each look."""

    role: str
    at: list[float] = field(default_factory=list)  # seconds, on a clock that nobody sets
    memory: list[int] = field(default_factory=list)
    open_files: list[int] = field(default_factory=list)

    @property
    def settled(self) -> int:
        """How many looks came before it had."""
        return bisect.bisect_left(self.at, self.at[0] + _SETTLED_SECONDS)

    @property
    def is_judged(self) -> bool:
        """Whether it lived long enough to see whether it grows."""
        return self.role in _SERVING and self.at[-1] - self.at[0] >= _SETTLED_SECONDS + _LONG_SECONDS

    def trend(self, looks: Sequence[int]) -> "Trend":
        """The line of least squares through the looks after it had settled."""
        at, held = self.at[self.settled :], looks[self.settled :]
        line, lasts = statistics.linear_regression(at, held), at[-1] - at[0]
        return Trend(lasts / 60, line.intercept + line.slope * at[0], line.slope * lasts)


@dataclass(frozen=True)
class Trend:
    """How what a process holds went on after it had settled."""

    minutes: float  # that were looked at
    begins: float  # the line through all looks
    rises: float  # until its end

    @property
    def each_minute(self) -> float:
        """How much it rises in a minute."""
        return self.rises / self.minutes


class Watch(threading.Thread):
    """Looks until it is stopped. `highest` is the most memory of a process by role."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self.lives: dict[int, Life] = {}
        self._server = server
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            for process in self._server.processes():
                held, opened = resident(process.pid), descriptors(process.pid)
                if held and opened:  # it has not ended meanwhile
                    life = self.lives.setdefault(process.pid, Life(process.role))
                    life.at.append(time.monotonic())
                    life.memory.append(held)
                    life.open_files.append(opened)

    def stop(self) -> None:
        """Looks no more."""
        self._ended.set()
        self.join()

    def highest(self) -> dict[str, int]:
        """Megabytes by role."""
        found: dict[str, int] = defaultdict(int)
        for life in self.lives.values():
            found[life.role] = max(found[life.role], max(life.memory) // 10**6)
        return found

    def trends(self) -> Iterator[str]:
        """A line for each process that lived long enough to be judged."""
        for pid, life in sorted(self.lives.items()):
            if life.is_judged:
                memory, files = life.trend(life.memory), life.trend(life.open_files)
                yield (
                    f"{life.role:10} {pid:>8} {memory.minutes:5.1f} min  {memory.begins / 10**6:6.1f} MB "
                    f"{memory.each_minute / 10**6:+6.2f} MB/min  {files.begins:5.1f} descriptors "
                    f"{files.each_minute:+6.2f}/min"
                )


def creeping(lives: Sequence[Life]) -> Iterator[str]:
    """A line for each process that held too much, or more and more."""
    for life in lives:
        settled = life.memory[life.settled :]
        if settled and max(settled) - settled[0] >= _GROWTH:
            yield f"a process ({life.role}) grew from {settled[0] // 10**6} to {max(settled) // 10**6} MB"
        if max(life.open_files) >= _MOST_DESCRIPTORS:
            yield f"a process ({life.role}) had {max(life.open_files)} descriptors open"
        if not life.is_judged:
            continue
        for name, looks, most in (
            ("bytes of memory", life.memory, _CREEP), ("descriptors", life.open_files, _MORE_DESCRIPTORS)
        ):  # fmt: skip
            trend = life.trend(looks)
            if trend.rises >= most:
                yield f"a process ({life.role}) rose by {trend.rises:,.0f} {name} in {trend.minutes:.1f} minutes"
