"""Reads a backup from its first byte to its last: every digest, every name, and that its rows and its files agree."""

import contextlib
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

from app.errors import BackupRefused, DatabaseUnavailable
from app.storage.backup import contents, pictures, snapshot
from app.storage.backup.archive import ArchiveMember, members
from app.storage.backup.contents import BLANK, DATABASE, FILE, STATE, Contents, KeptFile, damaged, foreign
from app.storage.backup.pictures import RowNames
from app.storage.db import check_known

_LONGEST = 256 * 2**20  # bytes of what a backup says of itself: some million files
_MOST = 2_000_000  # members


class Taker(Protocol):
    """Where the files of a backup go while they are read; nothing of it may be used before all are read."""

    def begin(self, name: str) -> None:
        """The next file."""

    def take(self, piece: bytes) -> None:
        """More of it."""

    def end(self) -> None:
        """It is whole."""


def read(path: Path, taker: Taker, on_bytes: Callable[[int], object] = lambda _: None) -> Contents:
    """Gives every file to `taker` and returns what the backup says of itself, which all of it fits.

    `on_bytes` hears how far it is. Raises BackupRefused (`backup_foreign`, `backup_damaged`,
    `backup_too_new`), and what `taker` raises.
    """
    with _opened(path) as file:
        found: dict[str, KeptFile] = {}
        said: Contents | None = None
        for member in members(file):
            if said is not None or member.name in found:
                raise foreign()
            if member.name == FILE:
                said = contents.read(_whole(member))
                continue
            if len(found) >= _MOST:
                raise foreign()
            found[member.name] = _taken(member, taker, lambda: on_bytes(file.tell()))
    if said is None:
        raise damaged("it is cut off") if found else foreign()
    if {**said.files, **said.blank} != found or any(not name.startswith(f"{BLANK}/") for name in said.blank):
        raise damaged("a file in it is not the one that was kept")
    if (DATABASE in found) != (said.revision is not None):
        raise damaged(f"its {DATABASE} is missing")
    return said


def check(path: Path, names: RowNames, on_bytes: Callable[[int], object] = lambda _: None) -> Contents:
    """What a backup says of itself, which is all true. Needs room for its database for a moment. Raises as `read`."""
    with tempfile.TemporaryDirectory(prefix="digitserve-") as folder:
        with contextlib.closing(_DatabaseTaker(Path(folder) / DATABASE)) as taker:
            said = read(path, taker, on_bytes)
        if said.revision is not None:
            check_rows(said, names, taker.path)
        return said


class _DatabaseTaker:
    """Keeps the database alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None

    def begin(self, name: str) -> None:
        self._file = open(self.path, "xb") if name == DATABASE else None  # noqa: SIM115 (`end` closes it)

    def take(self, piece: bytes) -> None:
        if self._file is not None:
            self._file.write(piece)

    def end(self) -> None:
        if self._file is not None:
            self._file.close()

    def close(self) -> None:
        """Lets go of it also where it is not whole."""
        self.end()


def check_rows(said: Contents, names: RowNames, database: Path) -> None:
    """Finds out whether the rows in a backup's database fit its files. Raises BackupRefused."""
    revision, rows = snapshot.check(database)
    try:
        check_known(revision)
    except DatabaseUnavailable:
        raise contents.too_new(said.release) from None
    if revision != said.revision or dict(rows) != dict(said.rows):
        raise damaged(f"its {DATABASE} is another one")
    with snapshot.opened(database) as connection:
        files, jobs = pictures.named(connection, names)
    needed = {file.must for file in files}
    needed |= {f"store/{name}/{number}/manifest.json" for name, number in filter(None, (job.version for job in jobs))}
    missing = needed - set(said.files) - set(said.lost)
    if missing:
        raise damaged(f"{min(missing)} is not in it")


def _opened(path: Path) -> BinaryIO:
    try:
        if not path.is_file():
            raise BackupRefused("backup_not_found", f"There is no file {path}. Name what `digitserve backup` made.")
        return path.open("rb")
    except PermissionError:
        raise BackupRefused(
            "backup_unreadable", f"{path} may not be read by this user. Run it as the user whose backup it is."
        ) from None


def _whole(member: ArchiveMember) -> bytes:
    if member.size > _LONGEST:
        raise foreign()
    return b"".join(member.pieces)


def _taken(member: ArchiveMember, taker: Taker, tell: Callable[[], object]) -> KeptFile:
    digest = hashlib.sha256()
    is_file = not member.name.startswith(f"{BLANK}/")
    if is_file:
        taker.begin(member.name)
    for piece in member.pieces:
        digest.update(piece)
        if is_file:
            taker.take(piece)
        tell()
    if is_file:
        taker.end()
    return KeptFile(member.size, digest.hexdigest())


def picture_folders(said: Contents) -> list[str]:
    """The folders of the state in which rows have files."""
    return sorted({name.split("/")[1] for name in said.files if name.startswith(f"{STATE}/")} - {pictures.JOBS})
