"""Which databases have uploads in a folder: each has a random id, and leaves it there.

So a folder that comes to stand beside another database, say an empty one, loses nothing to it.
"""

from pathlib import Path

from sqlalchemy import Column, Connection, String, Table, select

from app.storage import private
from app.storage.db import metadata

identity = Table("identity", metadata, Column("id", String(32), primary_key=True))  # one row, made with the table

_MARK = ".database-"


def of(connection: Connection) -> str:
    """The database's id."""
    return str(connection.execute(select(identity.c.id)).scalar_one())


def note(folder: Path, database_id: str) -> None:
    """Leaves the id in `folder`, for the caller to sync. An empty file for each, so that no two writers disturb it."""
    private.touch(folder / f"{_MARK}{database_id}")


def is_only(folder: Path, database_id: str) -> bool:
    """Whether this database has uploads in `folder`, and no other has."""
    return [path.name for path in folder.glob(f"{_MARK}*")] == [f"{_MARK}{database_id}"]
