"""Bytes that arrive in pieces -> one durable file, and what is said when the disk is full."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from app.errors import StorageFull

SPARE_BYTES = 16 * 2**20  # left free by whatever people send, for the database beside it
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def full() -> StorageFull:
    """The answer where there is no room."""
    return StorageFull("storage_full", "The disk for uploads is full. Delete files, or free some space, and repeat.")


@contextmanager
def refusals() -> Iterator[None]:
    """Raises StorageFull where the block finds the disk full."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise full() from error
        raise


class Sink:
    """A new file that is written from front to back. As a context it closes the file."""

    def __init__(self, path: Path) -> None:
        """Raises StorageFull."""
        self.bytes = 0
        self._digest = hashlib.sha256()
        with refusals():
            self._file = path.open("xb", buffering=0)

    def __enter__(self) -> "Sink":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def sha256(self) -> str:
        """Of what was written so far."""
        return self._digest.hexdigest()

    def write(self, piece: bytes) -> None:
        """Raises StorageFull."""
        self._digest.update(piece)
        self.bytes += len(piece)
        left = memoryview(piece)
        with refusals():
            while left:  # a disk that gets full takes a part first
                left = left[self._file.write(left) :]

    def sync(self) -> None:
        """Makes what was written durable. Raises StorageFull."""
        with refusals():
            os.fsync(self._file.fileno())
