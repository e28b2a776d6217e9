"""One moment of a database as one SQLite file, whichever database it is, while others go on writing."""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DatabaseError

from app.errors import BackupRefused
from app.storage import engines, private, refusals
from app.storage.backup import rows
from app.storage.backup.contents import DATABASE, damaged
from app.storage.db import check_known, revision_of, run_scripts

WAIT_SECONDS = 600.0  # a statement may copy a whole table


def take(url: URL, path: Path) -> str | None:
    """Writes all rows to a new file; returns the revision, None where there is no database yet and no file is made.

    Raises StorageFull, DatabaseUnavailable (`database_too_new`), BackupRefused (`database_damaged`), OSError.
    """
    path.unlink(missing_ok=True)
    if engines.is_file(url) and not Path(str(url.database)).exists():
        return None
    with _engine(url) as source, source.execution_options(**_isolation(source)) as connection:
        revision = revision_of(connection)
        check_known(revision)
        if revision is None:
            return None
        private.touch(path)
        if connection.dialect.name == "sqlite":
            _copy_file(connection, path)
        else:
            with opened(path) as target, target.begin():
                run_scripts(target, revision)
                rows.copy(connection, target)
    return revision


def check(path: Path) -> tuple[str | None, Mapping[str, int]]:
    """The revision and the tables' numbers of rows in such a file. Raises BackupRefused where it is damaged or of a
    newer release."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as found:
            found.execute("PRAGMA trusted_schema=OFF")
            if found.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise damaged(f"its {DATABASE} is not whole")
        with opened(path) as connection:
            return revision_of(connection), rows.counts(connection)
    except (sqlite3.Error, DatabaseError) as error:  # as the driver says it, and as SQLAlchemy does
        raise damaged(f"its {DATABASE} is no database") from error


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Connection]:
    """Such a file, to be read and written by nobody else. Afterwards it is one file again."""
    with _engine(URL.create("sqlite", database=str(path))) as connection:
        yield connection.execution_options(writes=True)
    with closing(sqlite3.connect(path)) as alone:
        alone.execute("PRAGMA journal_mode=DELETE")


@contextlib.contextmanager
def _engine(url: URL) -> Iterator[Connection]:
    engine = engines.engine(url, WAIT_SECONDS)
    try:
        with engines.refusing(url), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _isolation(connection: Connection) -> dict[str, str]:
    """On PostgreSQL every statement of it sees one moment; SQLite copies one by itself."""
    return {"isolation_level": "REPEATABLE READ"} if connection.dialect.name == "postgresql" else {}


def _copy_file(connection: Connection, path: Path) -> None:
    """In one step: who writes meanwhile writes into the journal, and nobody waits. Nothing that was deleted before is
    in the copy, as it would be on pages that are free."""
    source = connection.connection.driver_connection
    assert isinstance(source, sqlite3.Connection)
    connection.rollback()
    try:
        source.execute("VACUUM INTO ?", (str(path),))
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0)
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE):
            raise refusals.full("of the backup") from error
        if code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise BackupRefused(
                "database_damaged",
                "The database is damaged, so no backup was made of it. Restore the last one, or mend it with SQLite's "
                "`.recover`.",
            ) from error
        raise refusals.unusable() from error


def identity(connection: Connection) -> str:
    """The database's own id."""
    return str(connection.execute(text("SELECT id FROM identity")).scalar_one())
