"""The database as stores see it: all or nothing in a block, and nobody waits for a lock without end."""

import errno
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.errors import AppError, DatabaseUnavailable, StorageFull
from app.storage.db import Database, now
from tests.support.databases import Postgres
from tests.support.patience import PATIENCE_SECONDS, in_spite_of

ADD = text("INSERT INTO events VALUES ('job', :number, 0, 'info', 'message', :words, NULL)")


def add(connection: Connection, number: int, words: str = "") -> None:
    connection.execute(ADD, {"number": number, "words": words})


def numbers(database: Database) -> list[int]:
    with database.reading() as connection:
        return list(connection.execute(text("SELECT number FROM events ORDER BY number")).scalars())


def refused(database: Database, statement: str = "DELETE FROM jobs") -> AppError:
    with pytest.raises((DatabaseUnavailable, StorageFull)) as caught, database.writing() as connection:
        connection.execute(text(statement))
    return caught.value


def write(database: Database, number: int) -> bool:
    with database.writing() as connection:
        add(connection, number)
    return True


@pytest.fixture
def hasty(url: str) -> Iterator[Database]:
    """The same database for somebody who waits a tenth of a second."""
    database = Database(url, wait_seconds=0.1)
    yield database
    database.close()


def test_a_block_is_written_whole(database: Database) -> None:
    with database.writing() as connection:
        add(connection, 1)
        add(connection, 2)
    assert numbers(database) == [1, 2]


def test_a_block_that_breaks_writes_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        add(connection, 1)
        _ = 1 / 0
    assert numbers(database) == []


def test_the_clock_is_unix_time_and_goes_on(database: Database) -> None:
    with database.writing() as connection:
        first, second = (connection.execute(now().select()).scalar_one() for _ in range(2))
    assert first <= second
    assert abs(second - time.time()) < 60


def test_sqlite_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'x.db'}")) as database, database.reading() as connection:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in names}
    # https://www.sqlite.org/pragma.html#pragma_synchronous: 2 is FULL, which in WAL mode syncs at every commit
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_postgresql_waits_five_seconds_and_keeps_the_operators_options(postgres: Postgres, template: str) -> None:
    url = postgres.url(template, driver="postgres") + "&options=-c%20work_mem%3D5MB"
    with closing(Database(url)) as database, database.reading() as connection:
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "TimeZone", "work_mem")
        found = [connection.execute(text(f"SHOW {name}")).scalar() for name in names]
    assert found == ["5s", "5s", "5s", "UTC", "5MB"]


def test_what_a_store_does_wrong_is_no_lost_database(database: Database) -> None:
    with pytest.raises(DBAPIError), database.reading() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))
    with pytest.raises(IntegrityError), database.writing() as connection:
        add(connection, 1)
        add(connection, 1)
    with pytest.raises(FileNotFoundError), database.writing() as connection:
        raise FileNotFoundError(errno.ENOENT, "a file of the block's own")
    assert numbers(database) == []


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Another process writes, and takes its time."""
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(parts.database), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
    else:
        with psycopg.connect(host=str(parts.query["host"]), user="postgres", dbname=parts.database) as writer:
            writer.execute("LOCK TABLE jobs, events IN EXCLUSIVE MODE")
            yield


def test_a_lock_that_stays(url: str, database: Database, hasty: Database) -> None:
    assert numbers(database) == []
    with locked(url):
        error = refused(hasty)
        assert error.code == "database_unavailable"
        assert str(error) == "The database does not answer. Repeat the request in a few seconds."
        assert numbers(database) == []  # who only reads waits for nobody
    assert in_spite_of(DatabaseUnavailable, lambda: write(hasty, 1))
    assert numbers(database) == [1]


def test_a_lock_that_goes_is_waited_for(url: str, database: Database) -> None:
    assert numbers(database) == []
    holding, held = threading.Event(), threading.Event()

    def hold() -> None:
        with locked(url):
            held.set()
            holding.wait(0.3)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(PATIENCE_SECONDS)
    assert write(database, 1)
    thread.join()
    assert numbers(database) == [1]


def test_every_connection_in_use(hasty: Database) -> None:
    with ExitStack() as stack, pytest.raises(DatabaseUnavailable):
        for _ in range(100):
            stack.enter_context(hasty.reading())
    assert in_spite_of(DatabaseUnavailable, lambda: numbers(hasty)) == []
