"""Makes a backup while others read, write, delete and promote: whole, or not at all.

Files are durable before their rows are written, and go after them. So the rows are copied first, as of one moment, and
then the files that they name. Where one of those has gone meanwhile, its row is gone too, and one looks again: what is
in the archive stays, and only what is new has to be copied. The first moment at which nothing is missing is the one
that the backup is of: whatever was acknowledged before it began is in it. Aliases come last: a version that one names
can't go.
"""

import contextlib
import datetime
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from app.errors import BackupRefused
from app.storage.backup import pictures, room, snapshot
from app.storage.backup.archive import ArchiveWriter
from app.storage.backup.contents import DATABASE, FILE, STATE, Contents
from app.storage.backup.pictures import NamedFile, OpenJob, RowNames
from app.storage.backup.places import Places
from app.storage.backup.versions import VersionCopier
from models_store.durable import sync_folder

_SCRATCH = ".digitserve-backup-"
_LOOKS = 30  # at rows: each later one copies only what came meanwhile


@dataclass(frozen=True)
class Made:
    """A backup that was made. `warnings` are sentences of what was wrong in the service before."""

    path: Path
    bytes: int
    contents: Contents
    warnings: list[str]


def make(
    places: Places,
    names: RowNames,
    path: Path,
    on_bytes: Callable[[int], object] = lambda _: None,
    most_looks: int = _LOOKS,
) -> Made:
    """Writes a backup to `path`, where nothing is yet; `on_bytes` hears how much of it there is. Looks at the rows so
    often at most.

    Raises BackupRefused (`backup_exists`, `backup_too_busy` where too much is deleted meanwhile), StorageFull, one of
    NOTHING_LASTS, OSError. Whatever it raises, nothing of it stays.
    """
    if path.exists() or path.is_symlink():
        raise _exists(path)
    full = (
        f"the disk of {path.parent} is full, so no backup was made and nothing of it stays. Free some space there, or "
        "name a folder on another disk."
    )
    with (
        room.needed(full),
        _scratch(path.parent) as folder,
        contextlib.closing(ArchiveWriter(folder / "archive")) as archive,
    ):
        began = datetime.datetime.now(datetime.UTC)
        made = _Collected(places, names, archive, folder / DATABASE, on_bytes)
        revision = made.copy(most_looks)
        rows = {} if revision is None else snapshot.check(folder / DATABASE)[1]
        if revision is not None:
            archive.add(DATABASE, folder / DATABASE)
        contents = Contents(
            created_at=began.isoformat(timespec="seconds"),
            release=version("digitserve"),
            source="sqlite" if places.database.get_backend_name() == "sqlite" else "postgresql",
            revision=revision,
            rows=rows,
            files=archive.files,
            blank=archive.blank,
            lost=tuple(sorted(made.lost)),
        )
        archive.finish(FILE, contents.to_bytes())
        _put(folder / "archive", path)
        return Made(path, archive.bytes, contents, made.warnings)


class _Collected:
    """The files of one backup, as they are collected."""

    def __init__(
        self, places: Places, names: RowNames, archive: ArchiveWriter, rows: Path, on_bytes: Callable[[int], object]
    ) -> None:
        self.lost: set[str] = set()  # what rows name and the disk has lost
        self._places = places
        self._names = names
        self._archive = archive
        self._rows = rows
        self._on_bytes = on_bytes
        self._versions = VersionCopier(places.store, archive)

    @property
    def warnings(self) -> list[str]:
        """Sentences of what was wrong before."""
        count = len(self.lost)
        lost = [f"Missing on this machine: {count:,} files that rows name, such as {min(self.lost)}."] if count else []
        return [*self._versions.warnings, *lost]

    def copy(self, most_looks: int) -> str | None:
        """The revision of the rows, all of whose files are in the archive then, and nothing else."""
        missing: set[str] = set()
        for _ in range(most_looks):
            revision = snapshot.take(self._places.database, self._rows)
            files, jobs = self._named(revision)
            # a file goes after its row: one that was missing before this moment, and has a row, is no deleted one
            self.lost = missing & {file.must for file in files} | missing & {job.base for job in jobs}
            missing = self._copy(files, jobs)
            if missing <= self.lost:
                self._forget(files, jobs)
                self._versions.finish()
                return revision
        raise BackupRefused("backup_too_busy", "So much is deleted now that no backup is whole. Repeat it in a minute.")

    def _named(self, revision: str | None) -> tuple[list[NamedFile], list[OpenJob]]:
        if revision is None:
            return [], []
        with snapshot.opened(self._rows) as connection:
            return pictures.named(connection, self._names)

    def _copy(self, files: list[NamedFile], jobs: list[OpenJob]) -> set[str]:
        """What is missing of all that the rows name."""
        state, archive = self._places.state, self._archive
        missing = set()
        for file in files:
            if file.must not in archive and not pictures.copy(state, file, archive):
                missing.add(file.must)
            self._on_bytes(archive.bytes)
        for job in jobs:
            pictures.copy_checkpoints(state, job, archive)
            self._on_bytes(archive.bytes)
        self._versions.copy()
        self._on_bytes(archive.bytes)
        return missing | {job.base for job in jobs if job.version and not self._versions.has(*job.version)}

    def _forget(self, files: list[NamedFile], jobs: list[OpenJob]) -> None:
        """What was deleted meanwhile is in no backup."""
        places = {f"{STATE}/{place}" for place in [*(one.place for one in files), *(one.place for one in jobs)]}
        for name in list(self._archive.files):
            if name.startswith(f"{STATE}/") and name.rpartition("/")[0] not in places:
                self._archive.remove(name)


@contextlib.contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    """A folder that is gone afterwards; what killed backups have left beside it goes too."""
    for old in parent.glob(f"{_SCRATCH}*"):
        with contextlib.suppress(OSError), _held(old):  # by a backup that is being made now
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(dir=parent, prefix=_SCRATCH))
    try:
        with _held(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """The kernel's own lock: it falls with its holder. Raises OSError where another has it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _put(archive: Path, path: Path) -> None:
    """One link: nothing that is there is replaced."""
    try:
        os.link(archive, path)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:  # a disk that knows no links
        if path.exists():
            raise _exists(path) from None
        archive.rename(path)
    sync_folder(path.parent)


def _exists(path: Path) -> BackupRefused:
    return BackupRefused(
        "backup_exists", f"{path} is there already, and nothing is overwritten. Name another file or a folder."
    )
