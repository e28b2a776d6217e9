"""Bytes that arrive in pieces -> one durable file."""

import hashlib
import io
import os
from pathlib import Path
from types import TracebackType

from app.storage import private, refusals

SPARE_BYTES = 16 * 2**20  # left free by whatever people send, for the database beside it


def check_room(place: Path | int, bytes_needed: int) -> None:
    """Raises StorageFull where the disk of a path or of an open file has less room than that, OSError."""
    disk = os.statvfs(place)
    if disk.f_bavail * disk.f_frsize < bytes_needed:
        raise refusals.full()


class Sink:
    """A new file that is written from front to back. As a context it closes the file."""

    def __init__(self, path: Path, spare_bytes: int = SPARE_BYTES) -> None:
        """It leaves `spare_bytes` of the disk free, however long it gets. Raises StorageFull, StateReadOnly."""
        self.bytes = 0
        self._spare_bytes = spare_bytes
        self._digest = hashlib.sha256()
        with refusals.of_files():
            self._file = io.FileIO(path, "xb", opener=private.opener)

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
        """Raises StorageFull, StateReadOnly."""
        self._digest.update(piece)
        self.bytes += len(piece)
        left = memoryview(piece)
        with refusals.of_files():
            check_room(self._file.fileno(), len(piece) + self._spare_bytes)
            while left:  # a disk that gets full takes a part first
                left = left[self._file.write(left) :]

    def sync(self) -> None:
        """Makes what was written durable. Raises StorageFull, StateReadOnly."""
        with refusals.of_files():
            os.fsync(self._file.fileno())
