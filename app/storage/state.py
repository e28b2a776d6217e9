"""The state folder before anything is kept in it: can it be written, and did an earlier release keep its database
elsewhere? It makes nothing.
"""

import contextlib
import errno
import os
import pwd
import shlex
import tempfile
from pathlib import Path
from urllib.parse import unquote

from app.storage.refusals import FULL


def trouble(state_dir: Path, database: Path | None) -> str | None:
    """Why something in the state folder can't be written, and what to do about it; None where all can, or where the
    folder is still to be made. `database` is a file, which may lie elsewhere.

    Raises OSError where there is none and it can't be made.
    """
    parent = next(folder for folder in (state_dir, *state_dir.parents) if folder.exists())
    if not parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(parent))
    if parent != state_dir:
        _write_into(parent)
        return None
    folders = [state_dir, *(child for child in _children(state_dir) if child.is_dir())]
    files = [database.with_name(f"{database.name}{end}") for end in ("", "-wal", "-shm")] if database else []
    for folder in [*folders, *(file.parent for file in files[:1] if file.is_file())]:
        try:
            _write_into(folder)
        except OSError as error:
            return _advice(folder, error)
    for file in files:
        if file.exists() and not os.access(file, os.R_OK | os.W_OK):
            return _advice(file, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    return None


def misplaced(database: Path) -> str | None:
    """What to do where release 0.1 had the database elsewhere: it pasted the path into a URL, in which `%20` is a blank
    and `?` ends it. None where that is the same, there is none, or the right one is there."""
    with contextlib.suppress(ValueError):  # bytes that are no text
        former = Path(unquote(str(database).partition("?")[0]))
        if former != database and former.is_file() and not database.exists():
            return (
                f"There is no database at {database} yet, and an earlier release would have kept it at {former}. If "
                "that one is this server's, stop the server and move it there, with the -wal and -shm beside it."
            )
    return None


def user(number: int) -> str:
    """A user's name and number."""
    try:
        return f"{pwd.getpwuid(number).pw_name} ({number})"
    except KeyError:  # containers know few
        return str(number)


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except PermissionError:  # whoever may not look in may not write either: that is found first
        return []


def _write_into(folder: Path) -> None:
    """Raises OSError where nothing can be. A full disk is another matter, which may pass."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if error.errno not in FULL:
            raise


def _advice(place: Path, error: OSError) -> str:
    if error.errno == errno.EROFS:
        return f"{place} can't be written, because its disk is mounted read-only. Mount it writable."
    mine, group = os.geteuid(), os.getegid()
    return (
        f"{place} can't be written by user {user(mine)}, because it belongs to user {user(place.stat().st_uid)}. Run "
        f"`chown -R {mine}:{group} {shlex.quote(str(place))}` as root, or set DIGITSERVE_STATE_DIR to another folder."
    )
