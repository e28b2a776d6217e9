"""The board: memory in which each process of a server writes what it has counted, and any of them reads what all have.
The supervisor makes it; a process that is started again goes on from what the one before it has written.

header   how many rows, how many of them API processes'; the last one is the supervisor's
row      a page, two halves. What is written goes into the half that is not the newest; its length, checksum and number
         follow. Whoever is killed in the middle leaves the other half whole, and nobody waits for anybody.
notes    64 KiB at the end, for what is no row's
"""

import mmap
import os
import struct
import tempfile
import zlib
from collections.abc import Mapping
from typing import NamedTuple, Self

_PAGE = 4096
_HALF = 2**20  # bytes, of which only what is touched takes memory
_ROW = _PAGE + 2 * _HALF
_NOTES = 2**16
_HEADER = struct.Struct("<QQ")  # rows, API processes
_STATE = struct.Struct("<QQ")  # of a row: the process that writes it, 0 where it has ended; what was too large
_NEWS = struct.Struct("<QQQ")  # of a half: its number, length and checksum
_NEWS_AT = 64  # of a row, and 64 more for the second half
_TRIES = 20  # readings of one row: it would have to be written twice during each


class BoardRow(NamedTuple):
    """What a process has written last. `is_alive` tells whether one still writes here."""

    text: bytes
    is_alive: bool
    too_large: int  # how often it had more to say than fits


class Board:
    """The memory; `row` is where this process writes, None for one that only reads."""

    def __init__(self, fd: int, row: int | None = None) -> None:
        """`fd` as `file` made it. Raises OSError, ValueError where it is none, or has no such row."""
        self._memory = mmap.mmap(fd, 0)
        if len(self._memory) < _PAGE:
            raise ValueError("it is no board")
        self.rows, self._api_processes = _HEADER.unpack_from(self._memory)
        if len(self._memory) != _size(self.rows) or (row is not None and not 0 <= row < self.rows):
            raise ValueError(f"there is no row {row}")
        self._row = row
        self.notes = memoryview(self._memory)[-_NOTES:]

    @classmethod
    def alone(cls) -> Self:
        """Of a process that has no others beside it."""
        fd = file(1, 0)
        try:
            return cls(fd, 0)
        finally:
            os.close(fd)

    @property
    def own(self) -> str:
        """What this process is called."""
        return self.name(self._own())

    def name(self, row: int) -> str:
        """What the process of a row is called."""
        if row == self.rows - 1:
            return "supervisor"
        number = row - self._api_processes
        return f"api-{row + 1}" if number < 0 else f"worker-{number + 1}"

    def every(self) -> Mapping[str, BoardRow]:
        """What all processes have written, by their names."""
        return {self.name(row): self.read(row) for row in range(self.rows)}

    def begin(self) -> bytes:
        """This process writes from now on. Gives what the one before it has written."""
        before = self.read(self._own())
        _STATE.pack_into(self._memory, _at(self._own()), os.getpid(), before.too_large)
        return before.text

    def write(self, text: bytes) -> bool:
        """Replaces what this process has written; False, and the old stays, where that is too large."""
        at = _at(self._own())
        if len(text) > _HALF:
            process, too_large = _STATE.unpack_from(self._memory, at)
            _STATE.pack_into(self._memory, at, process, too_large + 1)
            return False
        number, half = max((self._news(at, half)[0], half) for half in (0, 1))
        half = 1 - half
        start = at + _PAGE + half * _HALF
        self._memory[start : start + len(text)] = text
        _NEWS.pack_into(self._memory, at + _NEWS_AT * (1 + half), number + 1, len(text), zlib.crc32(text))
        return True

    def read(self, row: int) -> BoardRow:
        """What is written in a row; empty where nothing whole is."""
        at = _at(row)
        process, too_large = _STATE.unpack_from(self._memory, at)
        for _ in range(_TRIES):
            for half in sorted((0, 1), key=lambda half: -self._news(at, half)[0]):
                number, length, checksum = self._news(at, half)
                start = at + _PAGE + half * _HALF
                text = self._memory[start : start + min(length, _HALF)]
                if number and zlib.crc32(text) == checksum:
                    return BoardRow(text, process > 0, too_large)
            if not number:
                break
        return BoardRow(b"", process > 0, too_large)

    def clear(self, row: int) -> None:
        """Its process has ended: what it counted stays, nothing is so at the moment."""
        at = _at(row)
        _STATE.pack_into(self._memory, at, 0, _STATE.unpack_from(self._memory, at)[1])

    def _own(self) -> int:
        assert self._row is not None, "a process that counts has a row"
        return self._row

    def _news(self, at: int, half: int) -> tuple[int, int, int]:
        found: tuple[int, int, int] = _NEWS.unpack_from(self._memory, at + _NEWS_AT * (1 + half))
        return found


def file(api_processes: int, workers: int) -> int:
    """A descriptor of a board for so many processes and their supervisor; whoever closes it last frees it."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("digitserve-board")
    else:  # not on Linux
        with tempfile.TemporaryFile() as unnamed:
            fd = os.dup(unnamed.fileno())
    rows = api_processes + workers + 1
    os.ftruncate(fd, _size(rows))
    os.pwrite(fd, _HEADER.pack(rows, api_processes), 0)
    return fd


def _at(row: int) -> int:
    return _PAGE + row * _ROW


def _size(rows: int) -> int:
    return _PAGE + rows * _ROW + _NOTES
