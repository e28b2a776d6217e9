"""The state folder: files without rows and rows without files, who may read it, what a restore left."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.doctor import kept
from app.feedback.store import FeedbackStore
from app.feedback.tables import feedback
from app.settings import Settings
from app.storage.db import Database
from tests.integration.cli.doctor.found import marked
from tests.support.correcting import put

LONG_AGO = 1.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store_dir=tmp_path / "store", state_dir=tmp_path / "state")


@pytest.fixture
def opened(settings: Settings) -> Iterator[Database]:
    database = Database(settings.database)
    with database.reading():
        pass
    yield database
    database.close()


@pytest.fixture
def correction(settings: Settings, opened: Database) -> Path:
    """The folder of one."""
    name = put(FeedbackStore(opened, settings.state_dir, spare_bytes=0), 1, "7")
    return settings.state_dir / "feedback" / name


def said(settings: Settings, opened: Database, mark: str = "bad") -> list[str]:
    return marked([*kept.folder(settings), *kept.pictures(settings, opened)], mark)


def test_where_rows_and_files_agree_there_is_nothing_to_say(
    settings: Settings, opened: Database, correction: Path
) -> None:
    assert said(settings, opened) == [] and said(settings, opened, "note") == []


def test_a_row_without_its_file(settings: Settings, opened: Database, correction: Path) -> None:
    shutil.rmtree(correction)
    (found,) = said(settings, opened)
    assert f"1 rows of feedback have no file: {correction.name}" in found and "DELETE /v1/feedback/{id}" in found


def _without_row(opened: Database, correction: Path) -> None:
    with opened.writing() as connection:
        connection.execute(feedback.delete())
    for path in (*correction.iterdir(), correction):
        os.utime(path, (LONG_AGO, LONG_AGO))


def test_a_file_without_its_row(settings: Settings, opened: Database, correction: Path) -> None:
    _without_row(opened, correction)
    (found,) = said(settings, opened, "note")
    assert "have no row" in found and "a worker removes them" in found


def test_a_file_without_its_row_that_may_be_another_databases(
    settings: Settings, opened: Database, correction: Path
) -> None:
    _without_row(opened, correction)
    (correction.parent / f".database-{'0' * 32}").touch()
    assert "another database has files here too" in said(settings, opened)[0]


def test_what_every_user_may_read(settings: Settings, opened: Database, correction: Path) -> None:
    correction.parent.chmod(0o755)
    settings.state_dir.chmod(0o755)
    (found,) = said(settings, opened)
    assert "every user of this machine may read" in found and "feedback" in found and "chmod -R o=" in found
    settings.state_dir.chmod(0o700)
    assert said(settings, opened) == []


def test_a_restore_that_was_broken_off(settings: Settings, opened: Database) -> None:
    (settings.state_dir / ".restoring").mkdir()
    assert "a restore was broken off" in said(settings, opened)[0]


def test_a_file_in_the_way_of_the_state(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = list(kept.folder(Settings(store_dir=tmp_path / "store", state_dir=tmp_path / "file" / "state")))
    assert "Set DIGITSERVE_STATE_DIR" in marked(found)[0]
    (tmp_path / "lost").symlink_to("nothing")
    assert "it is a link to what is not there" in marked(kept.folder(Settings(state_dir=tmp_path / "lost")))[0]


def test_a_state_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert marked(kept.folder(Settings(store_dir=tmp_path / "s", state_dir=tmp_path / "state"))) == []
    assert list(tmp_path.iterdir()) == []
