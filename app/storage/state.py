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

from app.storage.private import KEPT
from app.storage.refusals import FULL

_OTHER_STATE = "set DIGITSERVE_STATE_DIR to another folder"
_OTHER_DATABASE = "name another file with DIGITSERVE_DATABASE_URL"


def trouble(state_dir: Path, database: Path | None) -> str | None:
    """Why something can't be kept, and what to do about it; None where all can. What is still to be made must be
    possible to make. `database` is a file, which may lie elsewhere.

    Raises NotADirectoryError where a file is in the way of the folder: nothing but a person can mend that.
    """
    kept = [state_dir, *(state_dir / name for name in KEPT)]
    files = [database.with_name(f"{database.name}{end}") for end in ("", "-wal", "-shm")] if database else []
    for folder in dict.fromkeys([*kept, *(file.parent for file in files[:1])]):
        place = _nearest(folder)
        try:
            _write_into(place)
        except OSError as error:
            if folder == state_dir and error.errno == errno.ENOTDIR:
                raise
            return _advice(place, folder, error, _OTHER_STATE if folder in kept else _OTHER_DATABASE)
    for file in files:
        if os.access(file, os.F_OK) and not os.access(file, os.R_OK | os.W_OK):
            closed = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return _advice(file, file, closed, _OTHER_STATE if file.parent == state_dir else _OTHER_DATABASE)
    return None


def misplaced(database: Path) -> str | None:
    """What to do where release 0.1 had the database elsewhere: it pasted the path into a URL, in which `%20` is a blank
    and `?` ends it. None where that is the same, there is none, or the right one is there."""
    with contextlib.suppress(ValueError, OSError):  # bytes that are no text, and what nobody may look at
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


def _nearest(folder: Path) -> Path:
    """The folder, or what is there on the way to it: it would be made in that."""
    return next(place for place in (folder, *folder.parents) if _is_there(place))


def _is_there(place: Path) -> bool:
    try:
        place.lstat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):  # who may not look in: the one above is at fault
        return False
    except OSError:  # a disk that went away
        return True
    return True


def _write_into(folder: Path) -> None:
    """Raises OSError where nothing can be. A full disk is another matter, which may pass."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if error.errno not in FULL:
            raise


def _advice(place: Path, folder: Path, error: OSError, other: str) -> str:
    """`place` is what can't be written: `folder`, or the nearest to it that is there. `other` is a way round."""
    if error.errno == errno.EROFS:
        return f"{place} can't be written, because its disk is mounted read-only. Mount it writable."
    if error.errno != errno.EACCES:
        return f"{place} can't be used: {_why(place, error)}. Mend that, or {other}."
    mine, owner = os.geteuid(), place.stat().st_uid
    # what else lies around a database, or above the folder, is not for us to hand out
    every = "-R " if place == folder and other == _OTHER_STATE else ""
    if owner == mine:
        because = "though it belongs to that user"
        command = f"chmod {every}u+rwX {shlex.quote(str(place))}`"
    else:
        because = f"because it belongs to user {user(owner)}"
        whose, name = f"{mine}:{os.getegid()}", shlex.quote(str(folder))
        made = "" if place == folder else f"mkdir -p {name} && "
        command = f"{made}chown {every}{whose} {name}` as root"
    return f"{place} can't be written by user {user(mine)}, {because}. Run `{command}, or {other}."


def _why(place: Path, error: OSError) -> str:
    if error.errno == errno.ENOENT and place.is_symlink():
        return "it is a link to what is not there"
    if error.errno == errno.ENOTDIR:
        return "it is no folder"
    return error.strerror or "the system refuses"
