"""A state folder beside another database than before: what was acknowledged there stays."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from app.files.store import FileStore
from app.storage.db import Database
from tests.integration.files.test_store import added, aged
from tests.support.uploading import lying_in


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    opened = Database(f"sqlite:///{tmp_path / 'other.db'}")
    yield opened
    opened.close()


def test_every_database_has_an_id_of_its_own(other: Database, tmp_path: Path) -> None:
    ids = []
    for database in (other, Database(f"sqlite:///{tmp_path / 'third.db'}"), other):
        with database.reading() as connection:
            ids.append(connection.execute(text("SELECT id FROM identity")).scalar_one())
    assert ids[0] == ids[2] != ids[1] and all(len(one) == 32 for one in ids)


def test_an_empty_database_sweeps_away_nothing_that_was_acknowledged(
    database: Database, other: Database, tmp_path: Path
) -> None:
    mine, home = FileStore(database, tmp_path, 0), tmp_path / "files"
    kept, half = added(mine), home / ".arriving-half"
    half.mkdir()
    for folder in (home / kept.id, half):
        aged(folder)
    with capture_logs() as logs:
        assert FileStore(other, tmp_path, 0).sweep() == [".arriving-half"]
    assert [(line["event"], line["count"]) for line in logs] == [("uploads_of_another_database", 1)]
    assert lying_in(home) == [kept.id] and mine.path(kept.id).read_bytes() == b"data"


def test_where_two_databases_had_uploads_neither_sweeps_the_other_s(
    database: Database, other: Database, tmp_path: Path
) -> None:
    stores = FileStore(database, tmp_path, 0), FileStore(other, tmp_path, 0)
    made = [added(store).id for store in stores]
    for file_id in made:
        aged(tmp_path / "files" / file_id)
    for store in stores:
        with capture_logs() as logs:
            assert store.sweep() == []
        assert [line["count"] for line in logs] == [1]
    assert lying_in(tmp_path / "files") == sorted(made)


def test_a_folder_without_uploads_is_nothing_to_warn_of(database: Database, tmp_path: Path) -> None:
    store = FileStore(database, tmp_path, 0)
    with store.arriving(1) as folder:
        aged(folder)
        with capture_logs() as logs:
            assert store.sweep() == [folder.name]
    assert logs == []
