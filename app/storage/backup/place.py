"""Puts a backup in place where nothing is: whole, or not at all, also where the machine stops on the way.

STORE/.restoring/digits/…   everything is written here first, beside where it belongs
STATE/.restoring/feedback/…
      .restoring/plan.json  what will be put where, before the first of it is

Then each folder is renamed into its place, and the database last: once it is there, all is. While `.restoring` is there
no server starts. Whoever finds it clears away what the plan names, or, where the database is there, only the rest.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.errors import BackupRefused
from app.storage import private
from app.storage.backup.broken import PLAN, RESTORING, locked, remove
from app.storage.backup.contents import DATABASE, STATE, STORE, damaged
from app.storage.disk import SPARE_BYTES, check_room
from models_store.durable import sync_folder
from models_store.refs import is_name

_STORE_FILE, _STORE_FOLDER = 0o644, 0o755  # versions are no secret
_BESIDE = "", "-wal", "-shm", "-journal"


def occupied(store: Path, state_dir: Path, database_file: Path | None) -> list[Path]:
    """What is there already of a service. Raises OSError."""
    found = [path for path in _inside(store) if is_name(path.name) and path.is_dir()]
    found += [state_dir / name for name in private.KEPT if _inside(state_dir / name)]
    beside = [database_file.with_name(f"{database_file.name}{end}") for end in _BESIDE] if database_file else []
    return found + [path for path in beside if path.exists() or path.is_symlink()]


class Staging:
    """The files of one restore, on their way. A Taker of app.storage.backup.check; used once, as a context."""

    def __init__(self, store: Path, state_dir: Path, database_file: Path | None) -> None:
        self._store, self._state, self._database = store, state_dir, database_file
        self._roots = {STORE: store / RESTORING, STATE: state_dir / RESTORING}
        home = database_file.parent if database_file else state_dir
        self.database = home / RESTORING / DATABASE
        self._folders = list(dict.fromkeys([*self._roots.values(), self.database.parent]))
        self._made: list[Path] = []  # folders above, which were not there
        self._placed: list[Path] = []
        self._locks: list[int] = []
        self._file: int | None = None
        self._is_store = False

    def __enter__(self) -> "Staging":
        """Raises BackupRefused (`restore_runs`), OSError."""
        for folder in self._folders:
            missing = [path for path in (folder.parent, *folder.parent.parents) if not path.exists()]
            if folder == self._roots[STORE]:
                folder.parent.mkdir(parents=True, exist_ok=True)
            else:
                private.folder(folder.parent)
            self._made += missing
            with contextlib.suppress(FileExistsError):
                folder.mkdir(private.FOLDER)
            self._locks.append(locked(folder))
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            os.close(self._file)
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)
        for lock in self._locks:
            os.close(lock)
        for folder in sorted(self._made, reverse=True):  # what is in another comes first; only what is empty again
            with contextlib.suppress(OSError):
                folder.rmdir()

    # What comes from the archive

    def begin(self, name: str) -> None:
        """Raises BackupRefused where two names mean one file here."""
        top, _, rest = name.partition("/")
        path = self.database if name == DATABASE else self._roots[top] / rest
        self._is_store = top == STORE
        try:
            if self._is_store:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.parent.chmod(_STORE_FOLDER)  # what umask says is not asked: other users' tools read the store too
            else:
                private.folder(path.parent)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(path, flags, _STORE_FILE if self._is_store else private.FILE)
        except (FileExistsError, NotADirectoryError):
            raise damaged("two of its names mean one file") from None

    def take(self, piece: bytes) -> None:
        """Raises StorageFull, OSError."""
        assert self._file is not None, "a file has begun"
        check_room(self._file, len(piece) + SPARE_BYTES)
        left = memoryview(piece)
        while left:
            left = left[os.write(self._file, left) :]

    def end(self) -> None:
        """Closes it."""
        assert self._file is not None, "a file has begun"
        if self._is_store:
            os.fchmod(self._file, _STORE_FILE)
        os.close(self._file)
        self._file = None

    # Into place

    @contextlib.contextmanager
    def placing(self, database_id: str | None) -> Iterator[None]:
        """Puts files in place; whoever puts the database there does so in the block. Where that breaks, all is taken
        away again. `database_id` is what the database will say of itself.

        Raises BackupRefused where something has come there meanwhile, OSError."""
        moves = [(path, root.parent / path.name) for root in self._roots.values() for path in self._staged(root)]
        os.sync()  # thousands of files at once
        self._plan([target for _, target in moves], database_id)
        try:
            for source, target in moves:
                _move(source, target)
                self._placed.append(target)
            for folder in (self._store, self._state):
                sync_folder(folder)
            yield
        except BaseException:
            for target in self._placed:
                remove(target)
            raise

    def place_database(self) -> None:
        """SQLite's file, the last of all. Raises BackupRefused, OSError."""
        assert self._database is not None, "there is a file for it"
        try:
            os.link(self.database, self._database)
        except FileExistsError:
            raise _came(self._database) from None
        except OSError:  # a disk that knows no links
            if self._database.exists():
                raise _came(self._database) from None
            self.database.rename(self._database)
        sync_folder(self._database.parent)

    def folder(self, name: str) -> Path:
        """One of the state's on its way; it may not be there."""
        return self._roots[STATE] / name

    def _staged(self, root: Path) -> list[Path]:
        return [path for path in _inside(root) if path.is_dir()]

    def _plan(self, targets: Sequence[Path], database_id: str | None) -> None:
        plan = {"targets": [str(path) for path in targets], "database_id": database_id}
        for folder in self._folders:
            with open(folder / PLAN, "wb", opener=private.opener) as file:
                file.write(json.dumps(plan).encode())
                file.flush()
                os.fsync(file.fileno())
            sync_folder(folder)
            sync_folder(folder.parent)


def _move(source: Path, target: Path) -> None:
    with contextlib.suppress(OSError):  # an empty folder may be there already
        target.rmdir()
    if target.exists() or target.is_symlink():
        raise _came(target)
    source.rename(target)  # fails on a folder with files


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _came(path: Path) -> BackupRefused:
    return BackupRefused(
        "restore_not_empty", f"{path} has come there meanwhile, so nothing was restored. Stop what writes there."
    )
