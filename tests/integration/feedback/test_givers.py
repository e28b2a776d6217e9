"""By which names rows know who gave a correction."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from sqlalchemy import select

from app.feedback.givers import LOCAL, Givers
from app.storage.db import Database
from app.storage.pseudonyms import secrets
from app.web.access.visitor import Visitor
from tests.support.patience import PATIENCE_SECONDS


def test_a_key_counts_before_an_address(database: Database) -> None:
    givers = Givers(database)
    assert givers.of(Visitor("key:0a1b", key="0a1b")) == "key:0a1b"
    assert givers.of(Visitor("key:0a1b", key="0a1b", is_local=True)) == "key:0a1b"
    assert givers.of(Visitor("127.0.0.1", is_local=True)) == LOCAL
    with database.reading() as connection:
        assert connection.execute(select(secrets)).all() == []  # nobody needed it


def test_an_address_is_told_from_others_and_kept_nowhere(database: Database) -> None:
    givers = Givers(database)
    one, other = givers.of(Visitor("203.0.113.7")), givers.of(Visitor("203.0.113.8"))
    assert one != other and one == givers.of(Visitor("203.0.113.7"))
    assert one.startswith("addr:") and len(one) == len("addr:") + 32
    assert givers.of(Visitor("127.0.0.1")).startswith("addr:")  # through a proxy that nobody trusts


def test_all_processes_have_one_secret(database: Database, url: str) -> None:
    def named(_: int) -> str:
        with closing(Database(url, PATIENCE_SECONDS)) as another:
            return Givers(another).of(Visitor("203.0.113.7"))

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(named, range(8)))) == 1


def test_another_database_has_another(database: Database) -> None:
    first = Givers(database).of(Visitor("203.0.113.7"))
    with database.writing() as connection:
        connection.execute(secrets.delete())
    assert Givers(database).of(Visitor("203.0.113.7")) != first
