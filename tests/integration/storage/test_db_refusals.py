"""Databases that are down, full or no databases: one clear refusal for each, and all is well when the cause is gone."""

import os
import resource
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from app.errors import AppError, DatabaseUnavailable, StorageFull
from app.storage.db import Database
from tests.integration.storage.test_db import add, numbers, refused
from tests.support.databases import Postgres
from tests.support.descriptors import none_left


def test_postgresql_stops_and_comes_back(postgres: Postgres, template: str) -> None:
    with postgres.database(template) as name, closing(Database(postgres.url(name))) as database:
        with database.writing() as connection:
            add(connection, 1)
        with pytest.raises(DatabaseUnavailable), database.writing() as connection:
            add(connection, 2)
            postgres.stop()
            add(connection, 3)
        try:
            assert refused(database).code == "database_unavailable"
            with closing(Database(postgres.url(name))) as another:
                assert refused(another).code == "database_unavailable"
        finally:
            postgres.start()
        assert numbers(database) == [1]
        with closing(another):
            assert numbers(another) == [1]


def test_a_server_that_takes_connections_and_says_nothing(tmp_path: Path) -> None:
    connections = []
    with (
        socket.socket(socket.AF_UNIX) as listener,
        closing(Database(f"postgresql://someone@/x?host={tmp_path}", wait_seconds=1)) as database,
    ):
        listener.bind(str(tmp_path / ".s.PGSQL.5432"))
        listener.listen()
        listener.settimeout(0.1)
        threads = [threading.Thread(target=refused, args=(database,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            try:
                connections.append(listener.accept()[0])
            except TimeoutError:
                continue
        for connection in connections:
            connection.close()
    assert 1 <= len(connections) < 8  # they waited together, not one after the other


@pytest.mark.parametrize(
    ("state", "kind", "code"),
    [
        ("53100", StorageFull, "storage_full"),  # disk_full
        ("53300", DatabaseUnavailable, "database_unavailable"),  # too_many_connections
        ("40P01", DatabaseUnavailable, "database_unavailable"),  # deadlock_detected
        ("25006", DatabaseUnavailable, "database_unavailable"),  # read_only_sql_transaction: a standby
        ("57P01", DatabaseUnavailable, "database_unavailable"),  # admin_shutdown
        ("42501", DatabaseUnavailable, "database_unusable"),  # insufficient_privilege
    ],
)
def test_what_postgresql_says(postgres: Postgres, template: str, state: str, kind: type[AppError], code: str) -> None:
    with closing(Database(postgres.url(template))) as database:
        error = refused(database, f"DO $$ BEGIN RAISE EXCEPTION 'at 10.0.0.1' USING ERRCODE = '{state}'; END $$")
    assert type(error) is kind
    assert error.code == code
    assert "10.0.0.1" not in str(error)


def test_a_statement_without_end(postgres: Postgres, template: str) -> None:
    with closing(Database(postgres.url(template), wait_seconds=0.1)) as database:
        assert refused(database, "SELECT pg_sleep(60)").code == "database_unavailable"


def test_sqlite_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "words.db").write_text("these are only words " * 100)
    (tmp_path / "folder.db").mkdir()
    (tmp_path / "file").touch()
    for name in ("words.db", "folder.db", "file/x.db"):
        with closing(Database(f"sqlite:///{tmp_path / name}")) as database:
            error = refused(database)
            assert error.code == "database_unusable", name
            assert str(tmp_path) not in str(error)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@127.0.0.1:1/x?bogus=1", "postgresql://u:p@127.0.0.1:1/x?conninfo=x",
        "sqlite:///file:x.db?mode=bogus&uri=true", "sqlite:///file:x.db?vfs=bogus&uri=true",
    ],
)  # fmt: skip
def test_a_url_that_asks_for_what_there_is_not(url: str) -> None:
    with closing(Database(url, wait_seconds=1)) as database:
        error = refused(database)
    assert error.code == "database_unusable" and "bogus" not in str(error)


def test_a_statement_that_is_wrong_is_no_refusal(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'x.db'}")) as database, pytest.raises(OperationalError):
        refused(database, "bogus")


def test_a_sqlite_file_that_cannot_be_written(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'x.db'}")) as database:
        with pytest.raises(DatabaseUnavailable) as caught, database.writing() as connection:
            connection.execute(text("PRAGMA query_only = 1"))
            add(connection, 1)
        assert caught.value.code == "database_unusable"


@contextmanager
def full(folder: Path, mounted: bool) -> Iterator[None]:
    """No byte more fits; where this machine lets nobody mount a disk, files that may not grow stand for a full one."""
    if mounted:
        disk = os.statvfs(folder)
        (folder / "filler").write_bytes(bytes(disk.f_bavail * disk.f_frsize))
        yield
        (folder / "filler").unlink()
        return
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max(path.stat().st_size for path in folder.iterdir()), unlimited[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)


@pytest.mark.parametrize("mount", [True, False])
def test_a_full_disk_under_sqlite(tmp_path: Path, mount: bool) -> None:
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)]
    mounted = mount and not subprocess.run(command, capture_output=True, check=False).returncode
    try:
        with closing(Database(f"sqlite:///{tmp_path / 'x.db'}")) as database:
            with database.writing() as connection:
                add(connection, 1)
            with full(tmp_path, mounted):
                with pytest.raises(StorageFull) as caught, database.writing() as connection:
                    for number in range(2, 100):
                        add(connection, number, "x" * 10_000)
                assert caught.value.code == "storage_full"
                assert numbers(database) == [1]
            with database.writing() as connection:
                add(connection, 2)
            assert numbers(database) == [1, 2]
        with closing(Database(f"sqlite:///{tmp_path / 'new' / 'y.db'}")) as another, full(tmp_path, mounted):
            if mounted:
                assert refused(another).code == "storage_full"
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_where_no_file_can_be_opened_it_is_told_to_repeat(database: Database) -> None:
    with none_left(), pytest.raises(DatabaseUnavailable) as caught, database.reading():
        pass
    assert caught.value.code in ("too_many_open_files", "database_unavailable")  # a server's connection just fails
    with database.reading():
        pass


def test_what_a_statement_was_given_is_in_no_error(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught, database.reading() as connection:
        connection.execute(text("SELECT * FROM nothing WHERE name = :name"), {"name": "Geheim-0815"})
    assert "Geheim" not in str(caught.value)
