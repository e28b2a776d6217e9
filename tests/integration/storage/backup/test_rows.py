"""All rows from one database into another, of either kind, and back: the same to the last byte."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, make_url, text

from app.feedback.tables import feedback
from app.jobs.tables import jobs
from app.review.tables import review
from app.storage.audit.record import What
from app.storage.audit.trail import Trail
from app.storage.backup import rows, snapshot
from app.storage.backup.restore import _filled
from app.storage.db import Database
from tests.support.ordered import claimed
from tests.support.patience import PATIENCE_SECONDS


def dump(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table as it is kept: JSON as text."""
    found = {}
    for name, table in rows.tables(connection).items():
        columns = [f"CAST({column.name} AS TEXT)" if str(column.type) == "JSON" else column.name for column in table.c]
        query = text(f"SELECT {', '.join(columns)} FROM {name}")
        found[name] = sorted(tuple(_plain(value) for value in row) for row in connection.execute(query))
    return found


def _plain(value: Any) -> Any:
    return (
        (0, "") if value is None else (1, bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value))
    )


@pytest.fixture
def filled(database: Database) -> Database:
    """Rows of many kinds: JSON that is nothing and JSON that says null, bytes, marks, entries that hang together."""
    job = claimed(database)
    for what in (What.KEY_CREATED, What.JOB_CREATED):
        Trail(database).say(what, "x", {"é": "\\"})
    with database.writing() as connection:
        connection.execute(
            jobs.update().where(jobs.c.id == job.id).values(metadata={"k": "☃\\u0000 \"'"}, worked_seconds=1e-17)
        )
        connection.execute(text("UPDATE jobs SET progress = NULL, result = 'null', error = '{\"a\":  1.50}'"))
        for number in range(3):
            row = {
                "id": f"rv-{number}",
                "created_at": 1.5 + number,
                "model": "digits@1",
                "label": "7",
                "confidence": 0.1,
            }
            row |= {"probabilities": {"7": 0.1}, "sketch": bytes(range(256)), "sha256": str(number)}
            connection.execute(insert(review).values(row))
        for number in range(1200):
            given: dict[str, Any] = {"id": f"fb-{number:024x}", "model": "digits", "label": "7", "sha256": str(number)}
            given |= {"bytes": 1, "width": 1, "height": 1, "created_at": float(number), "changed_at": 0.1}
            connection.execute(insert(feedback).values(given))
    return database


def test_rows_come_back_from_a_server_as_they_were(
    filled: Database, database: Database, kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """As a backup and a restore copy them: into SQLite, from there into an empty PostgreSQL, and back."""
    with filled.reading() as connection:
        before, url = dump(connection), connection.engine.url
    assert snapshot.take(url, tmp_path / "a.db") is not None
    with snapshot.opened(tmp_path / "a.db") as connection:
        assert dump(connection) == before
        assert len(before["feedback"]) == 1200 and rows.counts(connection) == {n: len(r) for n, r in before.items()}
    server = request.getfixturevalue("postgres")
    with server.database() as name:
        with _filled(make_url(server.url(name)), tmp_path / "a.db") as commit:
            commit()
        assert snapshot.take(make_url(server.url(name)), tmp_path / "b.db") is not None
        with closing(Database(server.url(name), PATIENCE_SECONDS)) as other:
            assert Trail(other).say(What.KEY_REVOKED, "x") == len(before["audit"]) + 1
    dumps = []
    for file in ("a.db", "b.db"):
        with snapshot.opened(tmp_path / file) as connection:
            dumps.append(dump(connection))
    assert dumps[0] == dumps[1]
    assert kind in ("sqlite", "postgresql")


def test_where_it_breaks_nothing_is_there(filled: Database, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with filled.reading() as connection:
        assert snapshot.take(connection.engine.url, tmp_path / "a.db")
    server = request.getfixturevalue("postgres")
    with server.database() as name:
        url = make_url(server.url(name))
        with pytest.raises(KeyError), _filled(url, tmp_path / "a.db"):
            raise KeyError
        with snapshot._engine(url) as connection:
            assert rows.tables(connection) == {}
