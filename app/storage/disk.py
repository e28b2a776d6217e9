"""Bytes that arrive in pieces -> one durable file."""

import hashlib
import os
from pathlib import Path
from types import TracebackType

from app.storage import refusals

SPARE_BYTES = 16 * 2**20  # left free by whatever people send, for the database beside it


class Sink:
    """A new file that is written from front to back. As a context it closes the file."""

    def __init__(self, path: Path) -> None:
        """Raises StorageFull, StateReadOnly."""
        self.bytes = 0
        self._digest = hashlib.sha256()
        with refusals.of_files():
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
        """Raises StorageFull, StateReadOnly."""
        self._digest.update(piece)
        self.bytes += len(piece)
        left = memoryview(piece)
        with refusals.of_files():
            while left:  # a disk that gets full takes a part first
                left = left[self._file.write(left) :]

    def sync(self) -> None:
        """Makes what was written durable. Raises StorageFull, StateReadOnly."""
        with refusals.of_files():
            os.fsync(self._file.fileno())
