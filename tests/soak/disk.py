"""A disk of the service's own that can be full: a file system in memory, where this user may mount one."""

import ctypes
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BYTES = 2 * 2**30
_PIECE = 4 * 2**20
_LIBC = ctypes.CDLL(None, use_errno=True)


class Disk:
    """Where store and state lie."""

    def __init__(self, place: Path, own: bool) -> None:
        self.place = place
        self.can_be_full = own

    def fill(self, seconds: float) -> None:
        """Leaves no byte free for a while."""
        rest, end = self.place / "rest", time.monotonic() + seconds
        try:
            with rest.open("wb", buffering=0) as file:
                while time.monotonic() < end:
                    try:
                        file.write(bytes(_PIECE))
                    except OSError:
                        time.sleep(0.05)  # what was freed meanwhile is taken as well
        finally:
            rest.unlink()


@contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """In `folder`, which keeps a copy of what was on it. It can't be full where mounting is not allowed (no root)."""
    place = folder / "disk"
    place.mkdir()
    own = os.geteuid() == 0 and _LIBC.mount(b"tmpfs", bytes(place), b"tmpfs", 0, f"size={_BYTES}".encode()) == 0
    try:
        yield Disk(place, own)
    finally:
        if own:
            shutil.copytree(place, folder / "left", symlinks=True, ignore_dangling_symlinks=True)
            _LIBC.umount2(bytes(place), 2)  # MNT_DETACH
            place.rmdir()
            (folder / "left").rename(place)
