"""Restores a backup where no service has anything yet: read and checked to its end before anything is put in place."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import URL, inspect
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from app.errors import BackupRefused
from app.storage import engines, owner
from app.storage.backup import broken, check, place, room, rows, snapshot
from app.storage.backup.contents import Contents, damaged
from app.storage.backup.pictures import RowNames
from app.storage.backup.place import Staging
from app.storage.backup.places import Places
from app.storage.db import Database, run_scripts

_FULL = (
    "a disk of the store or the state is full, so nothing was restored and nothing of it stays. Free some space there, "
    "or name other folders."
)
_REVISIONS = "alembic_version"

Revive = Callable[[Database], object]  # what is to be done in the restored database before anybody uses it


def restore(
    path: Path, places: Places, names: RowNames, revive: Revive, on_bytes: Callable[[int], object] = lambda _: None
) -> Contents:
    """Puts all of a backup into places where nothing is.

    Raises BackupRefused (`restore_not_empty`, `restore_runs`, `restore_was_done`, and what `check.read` raises),
    StorageFull, one of NOTHING_LASTS, OSError. Whatever it raises, nothing of it stays.
    """
    where = places.store, places.state, places.database_file
    _clear_broken(places)
    _check_empty(places)
    with room.needed(_FULL), Staging(*where) as staging:
        said = check.read(path, staging, on_bytes)
        if said.revision is None:
            with staging.placing(None):
                return said
        with _damaged():
            check.check_rows(said, names, staging.database)
            database_id = _bring(staging.database, revive)
        for folder in check.picture_folders(said):
            owner.note(staging.folder(folder), database_id)
        if places.database.get_backend_name() == "sqlite":
            with staging.placing(database_id):
                staging.place_database()
        else:
            with _filled(places.database, staging.database) as commit, staging.placing(database_id):
                commit()
        return said


def _clear_broken(places: Places) -> None:
    left = broken.broken(places.store, places.state, places.database_file)
    if left is None:
        return
    is_done = left.database_id is not None and left.database_id == _identity(places.database)
    left.clear(is_done=is_done)
    if is_done:
        raise BackupRefused(
            "restore_was_done",
            "The restore that was broken off here had put everything in place already; what it left beside is cleared "
            "away now. Start the server.",
        )


def _check_empty(places: Places) -> None:
    found = place.occupied(places.store, places.state, places.database_file)
    if found:
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        raise BackupRefused(
            "restore_not_empty",
            f"There is something already: {', '.join(map(str, found[:3]))}{more}. Nothing was restored. Stop the "
            "server and move that away, or name empty folders with DIGITSERVE_STORE_DIR and DIGITSERVE_STATE_DIR.",
        )
    if places.database_file is None and _tables(places.database):
        raise _has_tables()


def _bring(database: Path, revive: Revive) -> str:
    """Has the rows as this release has them; returns the database's id."""
    opened = Database(URL.create("sqlite", database=str(database)), snapshot.WAIT_SECONDS)
    try:
        with opened.reading():
            pass
        revive(opened)
    finally:
        opened.close()
    with snapshot.opened(database) as connection:
        return snapshot.identity(connection)


@contextlib.contextmanager
def _filled(url: URL, database: Path) -> Iterator[Callable[[], None]]:
    """A server's database with all rows of SQLite's, which are there when what is given is called."""
    engine = engines.engine(url, snapshot.WAIT_SECONDS)
    try:
        with engines.refusing(url), engine.connect() as target, snapshot.opened(database) as source:
            transaction = target.begin()
            try:
                run_scripts(target)
                rows.copy(source, target)
            except DatabaseError as error:
                if isinstance(error.orig, Exception) and getattr(error.orig, "sqlstate", "")[:2] in ("22", "23"):
                    raise BackupRefused(
                        "backup_rows_refused",
                        "PostgreSQL refuses a row of the backup, so nothing was restored. Restore it into SQLite, and "
                        "see which row it is.",
                    ) from error
                raise
            yield transaction.commit
    finally:
        engine.dispose()


def _tables(url: URL) -> bool:
    engine = engines.engine(url, snapshot.WAIT_SECONDS)
    try:
        with engines.refusing(url), engine.connect() as connection:
            return inspect(connection).has_table(_REVISIONS)
    finally:
        engine.dispose()


def _identity(url: URL) -> str | None:
    """Of the database that is in place; None where there is none."""
    database = Database(url)
    try:
        with database.looking(owner.identity.name) as connection:
            return None if connection is None else owner.of(connection)
    finally:
        database.close()


def _has_tables() -> BackupRefused:
    return BackupRefused(
        "restore_not_empty",
        "The database that DIGITSERVE_DATABASE_URL names has tables of DigitServe already. Nothing was restored. Make "
        "an empty one (`createdb`), and name that.",
    )


@contextlib.contextmanager
def _damaged() -> Iterator[None]:
    """Rows that no release writes."""
    try:
        yield
    except SQLAlchemyError as error:
        raise damaged("its database has not the tables that a release makes") from error
