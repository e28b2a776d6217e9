"""A backup's file: a tar of plain files, one after the other, as POSIX's ustar has them, so that any `tar` lists it.

Reading takes nothing else: no links, no devices, no extended headers, nothing packed, and no name but those in
`contents`. So whatever a file pretends to be, it is read in pieces and leads nowhere.
"""

import hashlib
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.errors import BackupRefused
from app.storage import private
from app.storage.backup.contents import BLANK, KeptFile, check_name, damaged, foreign
from app.storage.disk import SPARE_BYTES, check_room

PIECE_BYTES = 2**20  # that are in memory at once
_BLOCK = tarfile.BLOCKSIZE
_USTAR_BYTES = 8**11  # longer ones are said in GNU's way
_ENCODING = "utf-8", "strict"


class ArchiveWriter:
    """A new archive, the owner's alone, written from front to back; what turns out to be gone can be blanked."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._file = open(path, "x+b", opener=private.opener, buffering=0)  # noqa: SIM115 (`close` closes it)
        self._members: dict[str, tuple[KeptFile, int]] = {}  # and where its bytes begin
        self._blank: dict[str, KeptFile] = {}
        self.bytes = 0

    @property
    def files(self) -> Mapping[str, KeptFile]:
        """All members that count."""
        return {name: kept for name, (kept, _) in self._members.items()}

    @property
    def blank(self) -> Mapping[str, KeptFile]:
        """Those of which only zeros are left."""
        return self._blank

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def add(self, name: str, path: Path) -> None:
        """Adds a file that nobody changes; it may be replaced or deleted meanwhile. What is there already stays.

        Raises FileNotFoundError, StorageFull, OSError, and BackupRefused for a name that can't be in a backup.
        """
        if name in self._members:
            return
        # neither a link's target nor a pipe, which would never end
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb", buffering=0) as source:
            self._add(name, source, os.fstat(handle).st_size)

    def add_bytes(self, name: str, data: bytes) -> None:
        """Adds a file that holds exactly `data`. Raises as `add`."""
        if name not in self._members:
            start, digest = self._begin(name, len(data)), hashlib.sha256(data)
            self._write(data)
            self._end(name, len(data), digest.hexdigest(), start)

    def remove(self, name: str) -> None:
        """Writes zeros over a member and takes its name away: it was deleted meanwhile. Raises OSError."""
        kept, start = self._members.pop(name)
        end, digest, left = self._file.tell(), hashlib.sha256(), kept.bytes
        blank = f"{BLANK}/{len(self._blank) + 1}"
        self._file.seek(start - _BLOCK)
        _write_all(self._file, _header_of(blank, kept.bytes))
        while left:
            zeros = bytes(min(left, PIECE_BYTES))
            digest.update(zeros)
            _write_all(self._file, zeros)
            left -= len(zeros)
        self._file.seek(end)
        self._blank[blank] = KeptFile(kept.bytes, digest.hexdigest())

    def finish(self, name: str, data: bytes) -> None:
        """Adds the last member and makes all of it durable. Raises StorageFull, OSError."""
        self.add_bytes(name, data)
        self._write(bytes(2 * _BLOCK))
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()

    def _add(self, name: str, source: BinaryIO, size: int) -> None:
        start, digest, left = self._begin(name, size), hashlib.sha256(), size
        while left:
            piece = source.read(min(left, PIECE_BYTES))
            if not piece:
                raise OSError(f"{name} became shorter while it was read")
            digest.update(piece)
            self._write(piece)
            left -= len(piece)
        self._end(name, size, digest.hexdigest(), start)

    def _begin(self, name: str, size: int) -> int:
        self._write(_header_of(name, size))
        return self._file.tell()

    def _end(self, name: str, size: int, sha256: str, start: int) -> None:
        self._write(bytes(-size % _BLOCK))
        self._members[name] = KeptFile(size, sha256), start

    def _write(self, data: bytes) -> None:
        if data:
            check_room(self._file.fileno(), len(data) + SPARE_BYTES)
            _write_all(self._file, data)
            self.bytes += len(data)


@dataclass
class ArchiveMember:
    """One file of an archive that is being read. `pieces` gives its bytes once, in order."""

    name: str
    size: int
    pieces: Iterator[bytes]


def members(file: BinaryIO) -> Iterator[ArchiveMember]:
    """The members of an archive, each to be read before the next one. Raises BackupRefused (`backup_foreign` for what
    `ArchiveWriter` never writes, `backup_damaged` for what ends too early), OSError."""
    while True:
        block = file.read(_BLOCK)
        if len(block) < _BLOCK:
            raise damaged("it is cut off") if file.tell() > _BLOCK else foreign()
        if block == bytes(_BLOCK):
            if file.read(_BLOCK) != bytes(_BLOCK) or file.read(1):
                raise damaged("something stands behind its end")
            return
        header = _header(block)
        pieces = _pieces(file, header.size)
        yield ArchiveMember(check_name(header.name), header.size, pieces)
        for _ in pieces:  # what nobody has read
            pass
        if len(file.read(-header.size % _BLOCK)) != -header.size % _BLOCK:
            raise damaged("it is cut off")


def _header_of(name: str, size: int) -> bytes:
    header = tarfile.TarInfo(check_name(name))
    header.size, header.mode = size, private.FILE
    try:
        return header.tobuf(tarfile.USTAR_FORMAT if size < _USTAR_BYTES else tarfile.GNU_FORMAT, *_ENCODING)
    except ValueError:  # longer than a header has room for
        raise BackupRefused("backup_name_too_long", f"{name} is too long a name for a backup. Shorten it.") from None


def _header(block: bytes) -> tarfile.TarInfo:
    try:
        header = tarfile.TarInfo.frombuf(block, *_ENCODING)
    except (tarfile.HeaderError, ValueError):  # also bytes that are no UTF-8
        raise foreign() from None
    if header.type != tarfile.REGTYPE or header.size < 0:  # links, devices, folders, other headers
        raise foreign()
    return header


def _pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size:
        piece = file.read(min(size, PIECE_BYTES))
        if not piece:
            raise damaged("it is cut off")
        size -= len(piece)
        yield piece


def _write_all(file: BinaryIO, data: bytes) -> None:
    left = memoryview(data)
    while left:  # a disk that gets full takes a part first
        left = left[file.write(left) :]
