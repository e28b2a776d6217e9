"""Ballast: room on a disk that is held back, and let go of for what must work on a full one: deleting, promoting and
rolling back. So a full disk is no trap: what makes room can always be done.

folder/.ballast/lock      whoever lets go of it is alone meanwhile
                1 … 16    of a mebibyte each, really allocated: names too, because a disk may run out of those first
"""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

NAME = ".ballast"
PARTS = 16
_PART_BYTES = 2**20
_BLOCK_BYTES = 512  # of what stat counts
_LEFT_PARTS = 8  # of free room, that no ballast is made of: a small disk has a small one
_LOCK = "lock"
_WAIT_SECONDS = 5.0  # for another process that has let go of it
_LOOK_SECONDS = 0.02

T = TypeVar("T")


class Ballast:
    """That of one folder. Any number of processes may use it; what can't be made or let go of is none, in silence."""

    def __init__(self, folder: Path) -> None:
        """Touches nothing."""
        self._folder = folder / NAME
        self._mine = threading.local()  # whether this thread has let go of it already

    def bytes(self) -> int:
        """How much is held back now."""
        return sum(_size(part) for part in self._parts())

    def make(self) -> None:
        """Holds back up to PARTS mebibytes where so much and half as much again is free; what is held already stays."""
        with contextlib.suppress(OSError):
            if not self._folder.parent.is_dir():
                return
            self._folder.mkdir(0o700, exist_ok=True)
            handle = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # who has let go of it makes it again
                self._fill(_LEFT_PARTS * _PART_BYTES)
            finally:
                os.close(handle)

    def relieve(self, operation: Callable[[], T], full: type[Exception]) -> T:
        """Does `operation`, and once more with the ballast let go of where it raises `full`."""
        try:
            return operation()
        except full:
            with self.released() as was_any:
                if not was_any:
                    raise
                return operation()

    @contextlib.contextmanager
    def released(self) -> Iterator[bool]:
        """Lets go of it until the end of the block, and takes back what is left then. Says whether there was any, or
        somebody else has just let go of it."""
        handle = self._opened()
        if handle is None:
            yield False
            return
        self._mine.released = True
        try:
            _alone(handle)
            for part in self._parts():
                with contextlib.suppress(OSError):
                    part.unlink()
            yield True
        finally:
            self._mine.released = False
            self._fill(0)
            os.close(handle)

    def _opened(self) -> int | None:
        with contextlib.suppress(OSError):
            if not getattr(self._mine, "released", False):
                return os.open(self._folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        return None

    def _fill(self, left: int) -> None:
        """Makes the parts that are missing while `left` bytes stay free besides."""
        for part in self._parts():
            if _size(part) < _PART_BYTES and not (_free(self._folder) >= left + _PART_BYTES and _allocated(part)):
                return

    def _parts(self) -> list[Path]:
        return [self._folder / str(number) for number in range(1, PARTS + 1)]


def _size(part: Path) -> int:
    """What it takes of the disk: a copy of the folder may have holes in place of its bytes."""
    try:
        found = part.lstat()
    except OSError:
        return 0
    return min(found.st_size, found.st_blocks * _BLOCK_BYTES)


def _free(folder: Path) -> int:
    try:
        disk = os.statvfs(folder)
    except OSError:
        return 0
    return disk.f_bavail * disk.f_frsize


def _allocated(part: Path) -> bool:
    """Whether the part is there now: all of it or nothing."""
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return False
    try:
        _allocate(handle)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        return False
    finally:
        os.close(handle)
    return True


def _allocate(handle: int) -> None:
    """Raises OSError."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, _PART_BYTES)
        return
    done = 0  # macOS has no such call, and takes room for what is written
    while done < _PART_BYTES:
        done += os.pwrite(handle, bytes(_PART_BYTES - done), done)


def _alone(handle: int) -> None:
    """Waits for the lock; after a while one goes on without: a process that is held still must not block a deletion."""
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_LOOK_SECONDS)
