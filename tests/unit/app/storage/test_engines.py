"""A database in a folder that may only be read is read, wherever it lies and however its last writer ended."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url, text

from app.errors import StateReadOnly
from app.storage.db import Database
from app.storage.engines import is_read_only
from tests.support.read_only import read_only


@pytest.fixture(params=["state", "a%20b?c#d;e&f:ä\\ "])
def url(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[URL]:
    yield URL.create("sqlite", database=str(tmp_path / request.param / "digitserve.db"))


def folder(url: URL) -> Path:
    return Path(str(url.database)).parent


def told(url: URL) -> str:
    """What the database has kept."""
    with closing(Database(url)) as database, database.reading() as connection:
        return str(connection.execute(text("SELECT told FROM words")).scalar_one())


def tell(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE words (told)"))
        connection.execute(text("INSERT INTO words VALUES ('kept')"))


def test_it_lies_where_the_path_says(url: URL, tmp_path: Path) -> None:
    with closing(Database(url)) as database:
        tell(database)
    assert [path.name for path in tmp_path.rglob("*")] == [folder(url).name, "digitserve.db"]


def test_what_may_only_be_read_is_read_and_a_write_is_refused(url: URL) -> None:
    with closing(Database(url)) as database:
        tell(database)
    with closing(Database(url)) as opened:
        with read_only(folder(url)):
            assert told(url) == "kept"
            with pytest.raises(StateReadOnly), opened.writing():
                pass
            opened.check()
        with opened.writing() as connection:  # the volume is mounted writable again
            connection.execute(text("UPDATE words SET told = 'changed'"))
        with opened.reading() as connection:
            assert connection.execute(text("SELECT told FROM words")).scalar_one() == "changed"


def test_what_a_killed_writer_left_in_its_journal_is_read_too(url: URL, tmp_path: Path) -> None:
    with closing(Database(url)) as database:
        tell(database)
        left = tmp_path / "left"
        shutil.copytree(folder(url), left)  # the journal as it is while the writer lives
    assert (left / "digitserve.db-wal").stat().st_size > 0
    with read_only(left):
        assert told(URL.create("sqlite", database=str(left / "digitserve.db"))) == "kept"


def test_where_there_is_none_yet_it_says_that_nothing_can_be_kept(tmp_path: Path) -> None:
    here = tmp_path / "state"
    here.mkdir()
    with read_only(here), closing(Database(URL.create("sqlite", database=str(here / "x.db")))) as database:
        with pytest.raises(StateReadOnly), database.reading():
            pass
        database.check()
    assert list(here.iterdir()) == []


def test_a_database_may_only_be_read_where_its_folder_may(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    here = URL.create("sqlite", database=str(folder / "a%20b.db"))
    assert not is_read_only(here)
    with read_only(folder):
        assert is_read_only(here)
    for url in ("postgresql://host/name", "sqlite://", f"sqlite:///{tmp_path}/no/such/folder.db"):
        assert not is_read_only(make_url(url))
