"""Entries are listed, checked against their chain, and let go only with an entry that says so."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from app.storage.audit.acting import Actor, act_as
from app.storage.audit.reading import AuditLog, Wanted
from app.storage.audit.record import What
from app.storage.audit.tables import audit
from app.storage.audit.trail import Trail
from app.storage.db import Database

FORGED: list[Callable[[dict[str, object]], dict[str, object]]] = [
    lambda row: {**row, "who": "nobody"},
    lambda row: {**row, "at": 1.0},
    lambda row: {**row, "details": '{"count":1}'},
    lambda row: {**row, "target": None},
    lambda row: {**row, "digest": "f" * 64},
]


@pytest.fixture
def log(database: Database) -> AuditLog:
    """Five acts of three actors."""
    written = Trail(database)
    for who, what, target in (
        ("key:1", What.KEY_CREATED, "key:2"),
        ("user:alice", What.JOB_CREATED, "ftjob-1"),
        ("key:2", What.JOB_CANCELLED, "ftjob-1"),
        ("user:bob", What.KEY_REVOKED, "key:2"),
        ("key:1_", What.JOB_CREATED, "ftjob-2"),
    ):
        act_as(Actor(who))
        written.say(what, target)
    act_as(Actor())
    return AuditLog(database)


def numbers(log: AuditLog, **wanted: object) -> list[int]:
    return [one.entry.number for one in log.list(100, None, Wanted(**wanted))[0]]  # type: ignore[arg-type]


def unguarded(database: Database) -> None:
    """As whoever may write the database can do."""
    with database.writing() as connection:
        if connection.dialect.name == "sqlite":
            for name in ("audit_unchanged", "audit_at_the_end", "audit_kept"):
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))


def guarded(database: Database) -> None:
    """The tables of PostgreSQL are shared by tests."""
    with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE audit ENABLE TRIGGER ALL"))


def test_the_newest_come_first_a_page_at_a_time(log: AuditLog) -> None:
    first, more = log.list(2)
    assert ([one.entry.number for one in first], more) == ([5, 4], True)
    rest, more = log.list(3, 4)
    assert ([one.entry.number for one in rest], more) == ([3, 2, 1], False)
    assert log.list(3, 1) == ([], False)


def test_filters(log: AuditLog) -> None:
    assert numbers(log, who="user:") == [4, 2] and numbers(log, who="user:bob") == [4]
    assert numbers(log, who="key:1") == [1] and numbers(log, who="key:") == [5, 3, 1]
    assert numbers(log, what=["job_created", "key_revoked"]) == [5, 4, 2]
    assert numbers(log, target="ftjob-1") == [3, 2]
    at = [one.entry.at for one in reversed(log.list(5)[0])]
    assert numbers(log, since=at[2]) == [n for n in (5, 4, 3, 2, 1) if at[n - 1] >= at[2]]
    assert numbers(log, until=at[0]) == []


def test_where_there_is_no_database_none_is_made(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'none.db'}")) as database:
        assert AuditLog(database).list(5) == ([], False) and AuditLog(database).check().count == 0
    assert list(tmp_path.iterdir()) == []


def test_an_untouched_chain_holds_and_says_its_last_digest(log: AuditLog) -> None:
    found = log.check()
    newest = log.list(1)[0][0].entry
    assert (found.count, found.number, found.digest, found.broken) == (5, 5, newest.digest, None)
    assert log.check(5, newest.digest).is_expected and not log.check(5, "0" * 64).is_expected
    assert not log.check(6, newest.digest).is_expected


@pytest.mark.parametrize("forge", FORGED)
def test_a_changed_entry_breaks_the_chain(
    log: AuditLog, database: Database, forge: Callable[[dict[str, object]], dict[str, object]]
) -> None:
    unguarded(database)
    with database.writing() as connection:
        row = dict(connection.execute(audit.select().where(audit.c.number == 3)).one()._mapping)
        connection.execute(audit.delete().where(audit.c.number == 3))
        connection.execute(insert(audit).values(forge(row)))
    broken = log.check().broken
    guarded(database)
    assert broken == 3


@pytest.mark.parametrize(("gone", "broken"), [(1, 2), (3, 4)])
def test_an_entry_that_is_gone_breaks_the_chain(log: AuditLog, database: Database, gone: int, broken: int) -> None:
    unguarded(database)
    with database.writing() as connection:
        connection.execute(audit.delete().where(audit.c.number == gone))
    found = log.check().broken
    guarded(database)
    assert found == broken


def test_the_last_ones_being_gone_is_told_only_by_a_digest_that_was_noted(log: AuditLog, database: Database) -> None:
    noted = log.check()
    unguarded(database)
    with database.writing() as connection:
        connection.execute(audit.delete().where(audit.c.number == 5))
    found = log.check(noted.number, noted.digest)
    guarded(database)
    assert found.broken is None and not found.is_expected


def test_old_entries_go_only_with_an_entry_that_says_so(log: AuditLog, database: Database) -> None:
    third = log.list(5)[0][2].entry
    assert log.trim(0.0) == 0 and log.check().count == 5
    fourth = log.list(5)[0][1].entry
    assert log.trim(fourth.at) == 3
    assert numbers(log) == [6, 5, 4] and log.check().broken is None
    trim = log.list(1)[0][0].entry
    assert (trim.what, trim.refers_to) == ("audit_trimmed", 3) and third.digest in trim.details
    Trail(database).say(What.KEY_CREATED)
    assert log.trim(2.0**40) == 4 and numbers(log) == [8] and log.check().broken is None
