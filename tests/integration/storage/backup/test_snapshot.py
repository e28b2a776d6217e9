"""One moment of a database, while others write into it."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, make_url, text

from app.errors import BackupRefused, DatabaseUnavailable
from app.feedback.tables import feedback, lessons
from app.storage.backup import snapshot
from app.storage.db import HEAD, Database


def give(database: Database, number: int) -> None:
    """Two rows that belong together."""
    row = {"id": f"fb-{number}", "model": "digits", "label": "7", "sha256": str(number)}
    with database.writing() as connection:
        connection.execute(insert(feedback).values(**row, bytes=1, width=1, height=1, created_at=1.0, changed_at=1.0))
        connection.execute(insert(lessons).values(correction=row["id"], job="j", model="digits", as_of=1.0))


def test_it_is_of_one_moment(database: Database, url: str, tmp_path: Path) -> None:
    """Rows that came together are both in it, and all that were there when it began."""
    end = threading.Event()
    given: list[int] = []

    def write() -> None:
        while not end.is_set():
            give(database, len(given))
            given.append(1)

    give(database, -1)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            before = len(given)
            assert snapshot.take(make_url(url), tmp_path / "a.db") == HEAD
            with closing(sqlite3.connect(tmp_path / "a.db")) as copy:
                (corrections,) = copy.execute("SELECT count(*) FROM feedback").fetchone()
                (learned,) = copy.execute("SELECT count(*) FROM lessons").fetchone()
            assert corrections == learned >= before + 1
    finally:
        end.set()
        writer.join()
    assert (tmp_path / "a.db").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.glob("a.db*")] == ["a.db"]


def test_a_database_without_tables_or_without_a_file_is_none(empty_url: str, tmp_path: Path) -> None:
    assert snapshot.take(make_url(empty_url), tmp_path / "a.db") is None
    assert not (tmp_path / "a.db").exists() and not (tmp_path / "state").exists()


def test_one_of_a_newer_release_is_refused(empty_url: str, tmp_path: Path) -> None:
    with closing(Database(empty_url)) as database, database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseUnavailable) as caught:
        snapshot.take(make_url(empty_url), tmp_path / "a.db")
    assert caught.value.code == "database_too_new"


def test_what_was_deleted_is_not_in_it(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'x.db'}")) as database:
        give(database, 1)
        with database.writing() as connection:
            connection.execute(feedback.update().values(label="a secret of somebody"))
        with database.writing() as connection:
            connection.execute(feedback.delete())
    snapshot.take(make_url(f"sqlite:///{tmp_path / 'x.db'}"), tmp_path / "a.db")
    assert b"a secret" not in (tmp_path / "a.db").read_bytes()


def test_a_damaged_database_is_no_backup(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'x.db'}")) as database:
        for number in range(300):
            give(database, number)
    data = bytearray((tmp_path / "x.db").read_bytes())
    data[-8192:] = b"\xff" * 8192
    (tmp_path / "x.db").write_bytes(data)
    with pytest.raises(BackupRefused, match="The database is damaged, so no backup was made of it"):
        snapshot.take(make_url(f"sqlite:///{tmp_path / 'x.db'}"), tmp_path / "a.db")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"x" * 5000)
    with pytest.raises(BackupRefused) as caught:
        snapshot.check(tmp_path / "a.db")
    assert caught.value.code == "backup_damaged"
