"""What people sent is closed to other users: files 0600, folders 0700, whatever the umask.

Release 0.1 left to the umask who may read; `tighten` mends that. A mode that somebody set (0640, 2750) stays.
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

FILE, FOLDER = 0o600, 0o700
KEPT = "files", "feedback", "review", "shadow", "jobs"  # folders of the state, made when they are first needed
CANDIDATES = "candidates.json"  # which candidate of a version was the quickest here
DRIFT = "drift.json"  # what versions read at first
_BALLAST = ".ballast"
# What a umask of 022, 002 or 0 leaves of a new file and of a new folder: nobody chose that.
_BY_ITSELF = {0o644, 0o664, 0o666, 0o755, 0o775, 0o777}


def folder(path: Path) -> None:
    """Makes a folder, and those above it that are missing. What is there already stays as it is. Raises OSError."""
    for missing in reversed([path, *path.parents]):
        if not missing.is_dir():
            with contextlib.suppress(FileExistsError):  # another process was quicker, or a file is in the way
                missing.mkdir(FOLDER)
    path.mkdir(exist_ok=True)


def opener(path: str, flags: int) -> int:
    """For `open`: a new file is the owner's alone."""
    return os.open(path, flags, FILE)


def write(path: Path, data: bytes) -> None:
    """Writes a new file. Raises OSError."""
    with open(path, "xb", opener=opener) as file:
        file.write(data)


def touch(path: Path) -> None:
    """Makes an empty file where there is none. Raises OSError."""
    with contextlib.suppress(FileExistsError):
        write(path, b"")


def tighten(state_dir: Path, database: Path | None) -> None:
    """Closes what an earlier release left open: the folders in the state folder, the database, and the state folder
    where nothing is in it but ours. Only what is this user's, is no link, and has a mode that nobody chose."""
    ours = [state_dir / name for name in KEPT]
    beside = (
        [database.with_name(f"{database.name}{end}") for end in ("", "-wal", "-shm", "-journal")] if database else []
    )
    known = {path.name for path in (*ours, *beside)} | {CANDIDATES, DRIFT, _BALLAST}
    with contextlib.suppress(OSError):
        if {path.name for path in state_dir.iterdir()} <= known:
            ours.append(state_dir)
    _close(ours, stat.S_ISDIR, FOLDER)
    _close(beside, stat.S_ISREG, FILE)


def _close(paths: Iterable[Path], is_kind: Callable[[int], bool], mode: int) -> None:
    for path in paths:
        with contextlib.suppress(OSError):  # not there, or a disk that may only be read
            found = path.lstat()  # by its name: who opens and closes a database's file lets go of SQLite's locks on it
            if is_kind(found.st_mode) and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) in _BY_ITSELF:
                path.chmod(mode)
