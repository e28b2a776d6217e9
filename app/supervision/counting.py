"""The memory that the processes of a server share: what all of them have counted (app.telemetry.board) and, only where
a rate is set, what its visitors use (app.web.access.shared_counts).
"""

import contextlib
import os
from collections.abc import Iterator, Sequence

from app.settings import Settings
from app.supervision.slots import Slot, Watcher
from app.telemetry import board
from app.web.access import shared_counts


class Counting:
    """What a process is started with, and what ends with it."""

    def __init__(self, board_fd: int, api_processes: int, workers: int, counts_fd: int | None = None) -> None:
        """The descriptors of both memories; None where visitors are not counted."""
        self.board = board.Board(board_fd, api_processes + workers)  # the last row is ours
        self.worker_fds: tuple[int, ...] = (board_fd,)
        self.fds: tuple[int, ...] = self.worker_fds if counts_fd is None else (board_fd, counts_fd)
        self._api_processes = api_processes
        self._board_fd = board_fd
        self._counts_fd = counts_fd
        self._counts = None if counts_fd is None else shared_counts.SharedCounts(counts_fd)

    def options(self, number: int) -> Sequence[str]:
        """What API process `number` (from 1) is told."""
        visitors = () if self._counts_fd is None else ("--counts", str(self._counts_fd), str(number - 1))
        return *visitors, "--board", str(self._board_fd), str(number - 1)

    def worker_options(self, number: int) -> Sequence[str]:
        """What worker `number` (from 1) is told."""
        return "--board", str(self._board_fd), str(self._api_processes + number - 1)

    def watching(self, watcher: Watcher) -> Watcher:
        """Like `watcher`, but of a process that has ended it also forgets what it was about."""
        return _Clearing(self, watcher)

    def clear(self, slot: Slot) -> None:
        """Its process has ended."""
        if slot.role == "api":
            self.board.clear(slot.number - 1)
            if self._counts is not None:
                self._counts.clear(slot.number - 1)
        else:
            self.board.clear(self._api_processes + slot.number - 1)


class _Clearing:
    def __init__(self, counting: Counting, watcher: Watcher) -> None:
        self._counting = counting
        self._watcher = watcher

    @property
    def began(self) -> bool:
        return self._watcher.began

    def started(self, slot: Slot, pid: int) -> None:
        self._watcher.started(slot, pid)

    def ended(self, slot: Slot, pid: int, code: int) -> None:
        self._counting.clear(slot)
        self._watcher.ended(slot, pid, code)


@contextlib.contextmanager
def counting(settings: Settings, api_processes: int) -> Iterator[Counting]:
    """Of a server with so many API processes, until the end of the block."""
    fds = [board.file(api_processes, settings.job_workers)]
    if settings.rate_requests or settings.rate_concurrent or settings.rate_bytes:
        fds.append(shared_counts.file(api_processes))
    try:
        yield Counting(fds[0], api_processes, settings.job_workers, *fds[1:])
    finally:
        for fd in fds:
            os.close(fd)
