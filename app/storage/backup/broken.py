"""What a restore leaves that is broken off: seen, and cleared away."""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.errors import BackupRefused
from app.storage import private
from models_store.durable import sync_folder
from models_store.refs import is_name

RESTORING, PLAN = ".restoring", "plan.json"


def unfinished(store: Path, state_dir: Path, database_file: Path | None) -> Path | None:
    """What a restore has left that did not end; None where none was broken off."""
    beside = [database_file.parent] if database_file else []
    for folder in (state_dir, store, *beside):
        with contextlib.suppress(OSError):
            if (folder / RESTORING).is_dir():
                return folder / RESTORING
    return None


@dataclass(frozen=True)
class Broken:
    """What a restore has left that was broken off: its folders, what it may have put in place, and the id of the
    database that was to come last; None where it had not come so far, or where there is none."""

    folders: Sequence[Path]
    targets: Sequence[Path]
    database_id: str | None

    def clear(self, *, is_done: bool) -> None:
        """Takes its folders away, and what it had put in place unless it `is_done`: its database is there. Raises
        BackupRefused where it still runs, OSError."""
        locks = []
        try:
            for folder in self.folders:
                locks.append(locked(folder))
            for target in [] if is_done else self.targets:
                remove(target)
            for folder in self.folders:
                shutil.rmtree(folder)
                sync_folder(folder.parent)
        finally:
            for lock in locks:
                os.close(lock)


def broken(store: Path, state_dir: Path, database_file: Path | None) -> Broken | None:
    """What there is to clear away; None where no restore was broken off. Raises OSError."""
    homes = dict.fromkeys([state_dir, store, *([database_file.parent] if database_file else [])])
    folders = [home / RESTORING for home in homes if (home / RESTORING).is_dir()]
    if not folders:
        return None
    for folder in folders:
        try:
            plan = json.loads((folder / PLAN).read_bytes())
            paths = [Path(str(name)) for name in plan["targets"]]
            # no plan of ours names anything else
            models = [path for path in paths if path.parent == store and is_name(path.name)]
            kept = [path for path in paths if path.parent == state_dir and path.name in private.KEPT]
            return Broken(folders, [*models, *kept], plan["database_id"])
        except (OSError, ValueError, LookupError, TypeError):  # nothing was put in place yet
            continue
    return Broken(folders, [], None)


def locked(folder: Path) -> int:
    """A descriptor that keeps others from it until it is closed. Raises BackupRefused (`restore_runs`), OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise BackupRefused("restore_runs", f"A restore goes on in {folder.parent}. Wait until it has ended.") from None
    return handle


def remove(target: Path) -> None:
    """Takes a folder away where it is one."""
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target, ignore_errors=True)
