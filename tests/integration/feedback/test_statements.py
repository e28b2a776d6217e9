"""Statements on corrections: what goes past its days is told in the audit log, where something goes."""

import json
from pathlib import Path

from app.feedback import statements
from app.feedback.store import FeedbackStore
from app.feedback.tables import feedback
from app.storage.audit.reading import AuditLog
from app.storage.db import Database
from tests.support.correcting import put


def test_what_is_past_its_days_goes_with_an_entry_and_nothing_without(database: Database, tmp_path: Path) -> None:
    store = FeedbackStore(database, tmp_path / "state", spare_bytes=0)
    names = [put(store, seed, "7") for seed in range(2)]
    with database.writing() as connection:
        assert statements.expired(connection, feedback.c.label == "1", 30.0) == []
    assert AuditLog(database).list(9)[0] == []
    with database.writing() as connection:
        assert sorted(statements.expired(connection, feedback.c.label == "7", 30.0)) == sorted(names)
    (only,) = AuditLog(database).list(9)[0]
    assert json.loads(only.entry.details) == {"kind": "corrections", "count": 2, "after_days": 30.0}


def test_which_are_meant(database: Database, tmp_path: Path) -> None:
    store = FeedbackStore(database, tmp_path / "state", spare_bytes=0)
    mine, other = put(store, 1, "7", giver="key:1"), put(store, 2, "1", giver="key:2")
    with database.writing() as connection:
        assert statements.deleted(connection, statements.chosen(giver="key:1")[0]) == [mine]
        assert statements.deleted(connection, statements.chosen(held=True)[0]) == []
        assert statements.deleted(connection, statements.chosen(held=False)[0]) == [other]
