"""The state folder: can it be written, who may read it, is a restore broken off, do its files and the rows agree?"""

import stat
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Column, Connection, select

from app.cli.doctor.finding import Finding, bad, note, ok
from app.cli.doctor.room import room
from app.feedback.tables import feedback
from app.files.tables import files
from app.review.tables import review
from app.settings import Settings
from app.shadow.tables import differences
from app.storage import owner, private, state
from app.storage.backup.broken import unfinished
from app.storage.db import Database
from app.storage.leftovers import Leftovers

_SHOWN = 3  # ids in a sentence
_DELETED_BY = {
    "files": "DELETE /v1/files/{id}", "feedback": "DELETE /v1/feedback/{id}", "review": "DELETE /v1/review/{id}",
    "shadow": "DELETE /v1/models/{name}/shadow",
}  # fmt: skip
_TABLES = {"files": files, "feedback": feedback, "review": review, "shadow": differences}


def folder(settings: Settings) -> Iterator[Finding]:
    """Whether it can be used, and by whom."""
    where, database = settings.state_dir, settings.database_file
    try:
        trouble = state.trouble(where, database)
    except OSError as error:
        yield bad("state", f"state {where}: {error.strerror}.", "Set DIGITSERVE_STATE_DIR to a folder that can be made")
        return
    if trouble:
        yield bad("state", f"state {trouble}", "Until then nothing new is kept.")
    else:
        yield ok("state", f"state {where}")
    broken = unfinished(settings.store_dir, where, database)
    if broken:
        yield bad(
            "state", f"a restore was broken off: {broken} is still there",
            "run `digitserve restore` again: it clears away what was put in place, and begins anew.",
        )  # fmt: skip
    elsewhere = state.misplaced(database) if database else None
    if elsewhere:
        yield note("state", elsewhere)
    if where.is_dir():
        yield from room("state", where)
        yield from _open_to_others(where, database)


def _open_to_others(where: Path, database: Path | None) -> Iterator[Finding]:
    """A mode that somebody chose stays; it is said all the same."""
    kept = [where / name for name in private.KEPT]
    beside = [database.with_name(f"{database.name}{end}") for end in ("", "-wal")] if database else []
    read = [path for path in (*kept, *beside) if _readable_by_all(path)]
    if read and _readable_by_all(where):
        said = ", ".join(path.name for path in read)
        yield bad(
            "state", f"every user of this machine may read what people have sent: {said} in {where}",
            f"run `chmod -R o= {where}`.",
        )  # fmt: skip


def _readable_by_all(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return bool(mode & (stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH))


def pictures(settings: Settings, database: Database) -> Iterator[Finding]:
    """Whether each row has its file, and each file its row. Raises one of NOTHING_LASTS, OSError."""
    for name, table in _TABLES.items():
        where = settings.state_dir / name
        with database.looking(table.name) as connection:
            if connection is not None:
                yield from _compared(connection, name, where, table.c.id)


def _compared(connection: Connection, name: str, where: Path, id_of: Column[str]) -> Iterator[Finding]:
    query = select(id_of)
    if name == "shadow":  # a labelled one has no picture any more
        query = query.where(differences.c.label.is_(None))
    there = {path.name for path in where.iterdir() if path.is_dir()} if where.is_dir() else set()
    rows = set(connection.execute(query).scalars())
    lost = sorted(rows - there)
    if lost:
        yield bad(
            "pictures", f"{len(lost):,} rows of {name} have no file: {_some(lost)}",
            f"restore {where} from the backup that the database is from, or delete them: {_DELETED_BY[name]}.",
        )  # fmt: skip
    begins = {"files": "file-", "feedback": "fb-", "review": "rv-", "shadow": "sh-"}[name]
    rowless = sorted(set(Leftovers(where, name, lambda one: one.startswith(begins)).old()) - rows)
    if not rowless:
        return
    said = f"{len(rowless):,} folders in {where} have no row: {_some(rowless)}"
    if owner.is_only(where, owner.of(connection)):
        yield note("pictures", said, "they were deleted, or never arrived whole: a worker removes them within an hour.")
    else:
        yield bad(
            "pictures", f"{said}; another database has files here too, so no worker removes them",
            "give each database a state folder of its own, or delete them by hand if that one is gone.",
        )  # fmt: skip


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
