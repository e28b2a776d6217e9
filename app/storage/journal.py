"""SQLite's journal: what was deleted from the database is still in it, as it was written, until it is emptied."""

import contextlib
import sqlite3
from pathlib import Path


def empty(database: Path) -> bool:
    """Moves what is in the journal (`-wal`) into the database and cuts it to nothing, unless somebody is at it this
    moment; says whether it is empty now. Waits for nobody, makes nothing and raises nothing."""
    with contextlib.suppress(OSError, sqlite3.Error):
        if _is_empty(database):
            return True
        connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", timeout=0.0, uri=True)
        with contextlib.closing(connection):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return _is_empty(database)
    return False


def _is_empty(database: Path) -> bool:
    """By its size alone: who opens and closes a database's file lets go of SQLite's locks on it."""
    try:
        return database.with_name(f"{database.name}-wal").stat().st_size == 0
    except FileNotFoundError:
        return True
