"""The memory in which the API processes of a server count what its visitors use (app.web.access.shared_counts); only
where a rate is set.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence

from app.settings import Settings
from app.supervision.slots import Slot, Watcher
from app.web.access import shared_counts


class Counting:
    """What a process is started with, and what ends with it."""

    def __init__(self, fd: int | None = None) -> None:
        """`fd` of the memory, None where nothing is counted."""
        self.fds: tuple[int, ...] = () if fd is None else (fd,)
        self._counts = None if fd is None else shared_counts.SharedCounts(fd)

    def options(self, number: int) -> Sequence[str]:
        """What API process `number` (from 1) is told."""
        return [word for fd in self.fds for word in ("--counts", str(fd), str(number - 1))]

    def watching(self, watcher: Watcher) -> Watcher:
        """Like `watcher`, but of a process that has ended it also forgets which requests were under way."""
        return watcher if self._counts is None else _Clearing(self._counts, watcher)


class _Clearing:
    def __init__(self, counts: shared_counts.SharedCounts, watcher: Watcher) -> None:
        self._counts = counts
        self._watcher = watcher

    @property
    def began(self) -> bool:
        return self._watcher.began

    def started(self, slot: Slot, pid: int) -> None:
        self._watcher.started(slot, pid)

    def ended(self, slot: Slot, pid: int, code: int) -> None:
        if slot.role == "api":
            self._counts.clear(slot.number - 1)
        self._watcher.ended(slot, pid, code)


@contextlib.contextmanager
def counting(settings: Settings, processes: int) -> Iterator[Counting]:
    """Of a server with so many API processes, until the end of the block."""
    if not (settings.rate_requests or settings.rate_concurrent or settings.rate_bytes):
        yield Counting()
        return
    fd = shared_counts.file(processes)
    try:
        yield Counting(fd)
    finally:
        os.close(fd)
