"""Rows of keys, on both databases: what is kept of a key, and which of them count."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text, update

from app.errors import DatabaseUnavailable, StateReadOnly
from app.storage.db import Database, now
from app.web.access.key_store import KeyStore
from app.web.access.keys import digest, id_of
from app.web.access.tables import keys
from tests.support.read_only import read_only


@pytest.fixture
def key_store(database: Database) -> KeyStore:
    return KeyStore(database)


def at(database: Database, key_id: str, **values: object) -> None:
    with database.writing() as connection:
        connection.execute(update(keys).where(keys.c.id == key_id).values(**values))


def test_of_a_new_key_only_the_digest_is_kept(database: Database, key_store: KeyStore) -> None:
    key, row = key_store.create("scanner", ["predict", "feedback"], days=2)
    assert (row.id, row.name, row.scopes) == (id_of(key), "scanner", frozenset({"predict", "feedback"}))
    assert row.expires_at is not None and abs(row.expires_at - row.created_at - 2 * 86_400) < 60
    with database.reading() as connection:
        (kept,) = connection.execute(text("SELECT * FROM keys")).mappings()
    assert kept["sha256"] == digest(key)
    assert key.rpartition("_")[2] not in str(dict(kept))
    assert key_store.all() == [row]
    (usable,) = key_store.found().usable
    assert (usable.id, usable.sha256, usable.scopes) == (row.id, digest(key), row.scopes)
    assert usable.seconds_left is not None and 2 * 86_400 - 60 < usable.seconds_left <= 2 * 86_400


def test_a_key_without_days_counts_for_ever(key_store: KeyStore) -> None:
    _, row = key_store.create("scanner", ["admin"])
    assert row.expires_at is None
    assert [key.seconds_left for key in key_store.found().usable] == [None]


def test_revoked_and_expired_ones_do_not_count_and_were_made_all_the_same(
    database: Database, key_store: KeyStore
) -> None:
    assert not key_store.found().ever_made
    ids = [key_store.create(name, ["predict"], days=1)[1].id for name in ("kept", "revoked", "expired")]
    revoked = key_store.revoke(ids[1])
    assert revoked is not None and revoked.revoked_at is not None
    at(database, ids[2], expires_at=now() - 1)
    assert [key.id for key in key_store.found().usable] == ids[:1]
    at(database, ids[0], expires_at=now() - 1)
    found = key_store.found()
    assert (list(found.usable), found.ever_made, found.is_there) == ([], True, True)
    assert [row.id for row in key_store.all()] == ids


def test_a_key_is_revoked_once_and_one_that_there_is_not_never(key_store: KeyStore) -> None:
    key, row = key_store.create("scanner", ["predict"])
    first = key_store.revoke(row.id)
    assert first is not None and key_store.revoke(row.id) == first
    for other in ("nope", "", key, "' OR 1=1 --"):
        assert key_store.revoke(other) is None


def test_a_use_is_kept_once_a_minute(database: Database, key_store: KeyStore) -> None:
    rows = [key_store.create(name, ["predict"])[1] for name in "ab"]
    key_store.mark_used([rows[0].id, "gone"])
    used, unused = key_store.all()
    assert used.last_used_at is not None and unused.last_used_at is None
    key_store.mark_used([rows[0].id])
    assert key_store.all()[0] == used
    at(database, rows[0].id, last_used_at=now() - 61)
    key_store.mark_used([rows[0].id])
    again = key_store.all()[0].last_used_at
    assert again is not None and again >= used.last_used_at


def test_looking_for_keys_makes_no_database(empty_url: str, tmp_path: Path) -> None:
    with closing(Database(empty_url)) as database:
        found = KeyStore(database).found()
        assert (list(found.usable), found.ever_made) == ([], False)
        assert KeyStore(database).all() == []
    assert not (tmp_path / "state").exists()


def test_a_database_of_an_earlier_release_has_none_and_stays_as_it_is(empty_url: str, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with closing(Database(empty_url)) as database:
        with database._engine.connect() as connection, connection.begin():
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
            connection.execute(text("INSERT INTO alembic_version VALUES ('0004')"))
        assert not KeyStore(database).found().ever_made
        with database._engine.connect() as connection:
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0004"


def test_keys_in_a_folder_that_may_only_be_read_count(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with closing(Database(f"sqlite:///{folder / 'digitserve.db'}")) as database:
        _, row = KeyStore(database).create("scanner", ["predict"])
    with read_only(folder), closing(Database(f"sqlite:///{folder / 'digitserve.db'}")) as database:
        assert [one.id for one in KeyStore(database).found().usable] == [row.id]
        with pytest.raises(StateReadOnly):
            KeyStore(database).mark_used([row.id])


def test_a_database_that_is_none_or_does_not_answer_is_not_one_without_keys(tmp_path: Path) -> None:
    (tmp_path / "none.db").write_text("no database" * 1000)
    for url in (f"sqlite:///{tmp_path}/none.db", "postgresql://nobody@127.0.0.1:1/none"):
        with closing(Database(url, 1.0)) as database, pytest.raises(DatabaseUnavailable):
            KeyStore(database).found()
