"""Entries are there with what they tell of, or not at all; nobody changes one; what can't be written is told."""

import threading
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from app.errors import Conflict, DatabaseUnavailable, StateReadOnly
from app.feedback.givers import Givers
from app.storage.audit import trail
from app.storage.audit.acting import Actor, act_as, acting, acting_as, because_of
from app.storage.audit.reading import AuditLog
from app.storage.audit.record import ActOutcome, LoggedAct, What
from app.storage.audit.tables import audit
from app.storage.audit.trail import Trail
from app.storage.db import Database
from app.web.access.visitor import Visitor
from models_store.errors import VersionNotFound
from tests.support.patience import PATIENCE_SECONDS


def entries(database: Database) -> list[LoggedAct]:
    """The oldest first."""
    return [one.entry for one in reversed(AuditLog(database).list(100)[0])]


def test_an_entry_is_there_with_what_it_tells_of_or_not_at_all(database: Database) -> None:
    with database.writing() as connection:
        assert trail.write(connection, What.JOB_CREATED, "ftjob-1", {"base": "digits@1"}) == 1
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        trail.write(connection, What.JOB_CREATED, "ftjob-2")
        raise ZeroDivisionError
    (only,) = entries(database)
    assert (only.number, only.who, only.what, only.target) == (1, "service", "job_created", "ftjob-1")
    assert only.details == '{"base":"digits@1"}' and only.outcome == "done" and only.at > 1_700_000_000


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET who = 'nobody'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE number = 1",
        "INSERT INTO audit SELECT number + 7, at, who, what, target, outcome, request_id, refers_to, details, digest"
        " FROM audit WHERE number = 2",
        "INSERT INTO audit SELECT number - 7, at, who, what, target, outcome, request_id, refers_to, details, digest"
        " FROM audit WHERE number = 2",
    ],
)
def test_the_database_changes_no_entry_and_lets_none_go(database: Database, statement: str) -> None:
    for number in range(2):
        Trail(database).say(What.KEY_CREATED, f"key:{number}")
    before = entries(database)
    with pytest.raises(DBAPIError, match="audit log"), database.writing() as connection:
        connection.execute(text(statement))
    assert entries(database) == before and len(before) == 2


def test_no_way_round_those_statements_is_left_open(database: Database, kind: str) -> None:
    Trail(database).say(What.KEY_CREATED, "key:1")
    same = "SELECT number, at, 'nobody', what, target, outcome, request_id, refers_to, details, digest FROM audit"
    way = "TRUNCATE audit" if kind == "postgresql" else f"INSERT OR REPLACE INTO audit {same}"
    with pytest.raises(DBAPIError, match="audit log"), database.writing() as connection:
        connection.execute(text(way))
    assert [one.who for one in entries(database)] == ["service"]


def test_who_acts_is_known_however_deep_below(database: Database) -> None:
    written = Trail(database)
    act_as(Actor("key:0a1b", request_id="req_1"))
    written.say(What.JOB_PAUSED, "ftjob-1")
    with acting_as("shadow"), because_of(shadow="shadow-1"):
        written.say(What.PROMOTED, "digits@2")
    act_as(Actor("", "192.0.2.7", "req_2"))
    written.say(What.JOB_RESUMED, "ftjob-1")
    act_as(Actor())
    found = entries(database)
    giver = Givers(database).of(Visitor("192.0.2.7"))
    assert [one.who for one in found] == ["key:0a1b", "shadow", giver] and giver.startswith("addr:")
    assert [one.request_id for one in found] == ["req_1", "req_1", "req_2"]
    assert found[1].details == '{"shadow":"shadow-1"}' and acting() == Actor()
    assert "192.0.2" not in str(found)


def test_many_at_once_get_numbers_without_a_gap(database: Database) -> None:
    threads = [threading.Thread(target=Trail(database).say, args=(What.JOB_CREATED, f"{n}")) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert [one.number for one in entries(database)] == list(range(1, 13))
    assert AuditLog(database).check().broken is None


def test_what_is_done_to_files_is_announced_and_concluded(database: Database) -> None:
    written = Trail(database)
    with written.around(What.PROMOTED, "digits@2", {"before": 1}) as told:
        assert [one.outcome for one in entries(database)] == ["begun"]
        told["more"] = "x"
    with pytest.raises(VersionNotFound), written.around(What.PROMOTED, "digits@3"):
        raise VersionNotFound("There is none.")
    with pytest.raises(OSError, match="disk"), written.around(What.PROMOTED, "digits@4"):
        raise OSError("disk")
    with pytest.raises(Conflict), written.around(What.VERSION_DELETED, "digits@5"):
        raise Conflict("version_in_use", "A job needs it.")
    found = entries(database)
    assert [(one.outcome, one.refers_to) for one in found] == [
        ("begun", None), ("done", 1), ("begun", None), ("refused", 3), ("begun", None), ("failed", 5),
        ("begun", None), ("refused", 7),
    ]  # fmt: skip
    assert found[1].details == '{"before":1,"more":"x"}' and '"why":"VersionNotFound"' in found[3].details


def test_a_crash_between_is_seen(database: Database) -> None:
    class Killed(BaseException):
        pass

    with pytest.raises(Killed), Trail(database).around(What.PROMOTED, "digits@2"):
        raise Killed
    with Trail(database).around(What.PROMOTED, "digits@3"):
        pass
    listed = AuditLog(database).list(10)[0]
    assert [(one.entry.number, one.is_open) for one in listed] == [(3, False), (2, False), (1, True)]


def test_an_act_goes_on_without_the_database_and_the_log_has_all_of_it(database: Database) -> None:
    class Down(Database):
        def making_room(self, operation: Any) -> Any:
            raise DatabaseUnavailable("database_unavailable", "It is down.")

    said: list[dict[str, object]] = []
    act_as(Actor("key:0a1b", request_id="req_1"))
    with Trail(Down("sqlite:///nowhere.db"), lambda **facts: said.append(facts)).around(
        What.ROLLED_BACK, "digits"
    ) as told:
        told["champion"] = 1
    act_as(Actor())
    begun, done = said
    assert begun == {
        "what": "version_rolled_back", "target": "digits", "outcome": "begun", "who": "key:0a1b",
        "request_id": "req_1", "why": "database_unavailable",
    }  # fmt: skip
    assert done["outcome"] == "done" and done["details"] == {"champion": 1}


def test_an_outcome_that_cannot_be_written_is_told_and_leaves_the_entry_open(database: Database) -> None:
    said: list[dict[str, object]] = []
    written = Trail(database, lambda **facts: said.append(facts))
    with pytest.MonkeyPatch.context() as patch, written.around(What.PROMOTED, "digits@2"):

        def refuse(_: object) -> None:
            raise StateReadOnly("state_read_only", "No.")

        patch.setattr(database, "making_room", refuse)
    assert [one["outcome"] for one in said] == [ActOutcome.DONE] and said[0]["refers_to"] == 1
    assert [one.is_open for one in AuditLog(database).list(10)[0]] == [True]


def test_rows_may_be_copied_into_an_empty_table_in_their_order(database: Database) -> None:
    """As a restored backup does, also of a log whose first entries were let go."""
    row = {"at": 1.0, "who": "x", "what": "job_created", "outcome": "done", "details": "{}", "digest": "0" * 64}
    with database.writing() as connection:
        connection.execute(insert(audit), [{**row, "number": number} for number in (7, 8, 9)])
        assert connection.execute(select(audit.c.number).order_by(audit.c.number)).scalars().all() == [7, 8, 9]
