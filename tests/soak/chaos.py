"""What happens to the service meanwhile: one of its processes, or its database, is killed or stopped, ever again."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from tests.soak.disk import Disk
from tests.soak.people import Seen
from tests.soak.server import LEASE_SECONDS, Server
from tests.support.databases import Postgres

_SPREAD = (0.5, 1.5)  # of the time from one accident to the next
_ZOMBIE = (1.0, 3.0)  # seconds that a stopped process stays stopped after its lease is over
_KILLED = {"worker": 5, "training": 4, "api": 2, "decoder": 4}  # how often each is killed, of 29
_STOPPED = {"worker": 4, "training": 2, "api": 1}
_SUPERVISOR, _DATABASE, _DISK = 2, 2, 1
_FULL = (2.0, 8.0)  # seconds that the disk stays full
_FIND_SECONDS = 10.0  # a training is not always there, and publishes only once


class Chaos:
    """One accident at a time, each of them once before any comes again. `done` counts them, `kills` are the moments in
    which one went that answers or decodes.
    """

    def __init__(self, server: Server, seen: Seen, postgres: Postgres | None, disk: Disk, seed: str) -> None:
        self.server = server
        self.seen = seen
        self.kills: list[float] = []
        self._postgres = postgres
        self._disk = disk
        self._random = random.Random(seed)
        self._every_seconds = 0.0
        self._began = time.monotonic()  # the accident of before
        accidents: dict[str, tuple[Callable[[], bool], int]] = {}  # name -> what it does, how often
        accidents |= {f"kill {role}": (partial(self._kill, role), often) for role, often in _KILLED.items()}
        accidents |= {f"stop {role}": (partial(self._stop, role), often) for role, often in _STOPPED.items()}
        accidents["kill supervisor"] = self._kill_supervisor, _SUPERVISOR
        if postgres is not None:
            accidents["stop database"] = self._restart_database, _DATABASE
        if disk.can_be_full:
            accidents["fill disk"] = self._fill_disk, _DISK
        self._accidents = accidents
        self.done: Counter[str] = Counter(dict.fromkeys(accidents, 0))

    def begin(self, latest: float, every_seconds: float) -> None:
        """From now on one happens every so many seconds, from beginning to beginning, or more often where otherwise not
        each could happen until the moment `latest`.
        """
        self._began = time.monotonic()
        self._every_seconds = max(0.0, min(every_seconds, (latest - self._began) / (1.5 * len(self._accidents))))

    def happen(self, latest: float) -> None:
        """Waits a while, and lets one accident happen, but none after the moment `latest`. PostgreSQL dies with the
        thread that calls this."""
        due = self._began + self._random.uniform(*_SPREAD) * self._every_seconds
        time.sleep(max(0.0, min(due, latest) - time.monotonic()))
        self._began = time.monotonic()
        if self._began >= latest:
            return
        names = self.missing or list(self._accidents)
        (name,) = self._random.choices(names, [self._accidents[name][1] for name in names])
        self.done[name] += self._accidents[name][0]()

    @property
    def missing(self) -> list[str]:
        """What has not happened yet."""
        return [name for name in self._accidents if not self.done[name]]

    def _moment(self, role: str) -> None:
        """Waits for a moment that the seed chose: any in the life of such a process, or just as a job publishes."""
        late, soon, publishing = self._random.uniform(0, 2), self._random.uniform(0, 0.5), self._random.random() < 0.4
        deadline = time.monotonic() + _FIND_SECONDS
        while time.monotonic() < deadline and not any(self.server.processes(role)):
            time.sleep(0.05)
        if publishing and role in ("worker", "training"):
            before = self.server.published()
            while time.monotonic() < deadline and self.server.published() <= before:
                time.sleep(0.01)
            time.sleep(soon)
        else:
            time.sleep(late)

    def _one(self, role: str, number: signal.Signals) -> int | None:
        """Sends a signal to one process of that role, and returns its id where it still lived."""
        self._moment(role)
        found = sorted(self.server.processes(role), key=lambda process: process.pid)
        victim = found[int(self._random.random() * len(found))] if found else None
        return victim.pid if victim is not None and victim.send(number) else None

    def _kill(self, role: str) -> bool:
        done = self._one(role, signal.SIGKILL) is not None
        if done and role in ("api", "decoder"):
            self.kills.append(time.monotonic())
        return done

    def _stop(self, role: str) -> bool:
        pid = self._one(role, signal.SIGSTOP)
        if pid is None:
            return False
        time.sleep(LEASE_SECONDS + self._random.uniform(*_ZOMBIE))
        for process in self.server.processes(role):
            if process.pid == pid:
                process.send(signal.SIGCONT)
        return True

    def _kill_supervisor(self) -> bool:
        at_once = self._random.random() < 0.5
        orphans = self.server.kill(None if at_once else self._random.uniform(0, 2))
        self.seen.wrong += [f"{process.role} {process.pid} outlived its supervisor" for process in orphans]
        return True

    def _fill_disk(self) -> bool:
        self._disk.fill(self._random.uniform(*_FULL))
        return True

    def _restart_database(self) -> bool:
        assert self._postgres is not None
        self._postgres.stop()
        time.sleep(self._random.uniform(0.5, 6))
        self._postgres.start()
        return True
