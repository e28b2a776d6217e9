"""What the service's processes hold meanwhile: memory and descriptors, looked at once a second."""

import statistics
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.processes import descriptors, resident
from tests.soak.server import Server

_LOOK_SECONDS = 1.0
_SETTLED = 20  # looks after which a process has loaded what it serves with
_LONG = 80  # looks without which nothing can be said about growth
_GROWTH, _CREEP = 600 * 10**6, 150 * 10**6  # bytes: at most over the first settled look; between early and late medians
_MOST_DESCRIPTORS, _MORE_DESCRIPTORS = 4096, 200  # at any time; at the end over the beginning
_SERVING = ("api", "worker", "supervisor")


@dataclass
class Life:
    """One process: its role, and what it held at each look."""

    role: str
    memory: list[int] = field(default_factory=list)
    open_files: list[int] = field(default_factory=list)


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
                life = self.lives.setdefault(process.pid, Life(process.role))
                life.memory.append(resident(process.pid))
                life.open_files.append(descriptors(process.pid))

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


def creeping(lives: Sequence[Life]) -> Iterator[str]:
    """A line for each process that held too much, or more and more."""
    for life in lives:
        settled = life.memory[_SETTLED:]
        if settled and max(settled) - settled[0] >= _GROWTH:
            yield f"a process ({life.role}) grew from {settled[0] // 10**6} to {max(settled) // 10**6} MB"
        if max(life.open_files) >= _MOST_DESCRIPTORS:
            yield f"a process ({life.role}) had {max(life.open_files)} descriptors open"
        if life.role not in _SERVING or len(settled) < _LONG:
            continue
        for name, looks, most in (
            ("bytes of memory", settled, _CREEP), ("descriptors", life.open_files[_SETTLED:], _MORE_DESCRIPTORS)
        ):  # fmt: skip
            quarter = len(looks) // 4
            early, late = statistics.median(looks[:quarter]), statistics.median(looks[-quarter:])
            if late - early >= most:
                yield f"a process ({life.role}) held {late - early:,.0f} {name} more at the end than in the beginning"
