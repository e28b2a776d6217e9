"""What a comparison does to aliases is in the audit log, also where a process dies or a store can't be written."""

from pathlib import Path

import pytest

from app.shadow.keeper import ShadowKeeper
from app.shadow.mcnemar import lead
from app.storage.audit.acting import Actor, act_as
from app.storage.audit.reading import AuditLog
from app.storage.db import Database
from models_store.errors import StoreReadOnly
from models_store.registry import Registry
from tests.integration.shadow.shadowing import Stage

Row = tuple[str, str | None, str, str, str | None]


@pytest.fixture
def stage(registry: Registry, database: Database, tmp_path: Path) -> Stage:
    """One whose next label makes digits@2 the champion."""
    made = Stage.of(registry, database, tmp_path)
    made.challenge()
    made.differ(lead())
    made.label("5", lead() - 1)
    return made


def rows(stage: Stage) -> list[Row]:
    """The oldest first."""
    listed = reversed(AuditLog(stage.database).list(100)[0])
    return [(one.entry.what, one.entry.target, one.entry.outcome, one.entry.who, one.entry.request_id)
            for one in listed]  # fmt: skip


def decide(stage: Stage, keeper: ShadowKeeper | None = None) -> None:
    """Somebody gives the last label."""
    (question,) = stage.sample.sheet(stage.look())[0]
    act_as(Actor("key:0a1b", request_id="req_1"))
    try:
        (keeper or stage.keeper).label("digits", question.id, "5")
    finally:
        act_as(Actor())


def test_a_promotion_that_labels_decided(stage: Stage) -> None:
    assert rows(stage) == []  # a comparison that begins moves no alias
    decide(stage)
    by = ("shadow", "req_1")
    assert rows(stage) == [
        ("shadow_stepped", "digits", "begun", *by), ("version_promoted", "digits@2", "done", *by),
        ("alias_set", "digits@1", "done", *by), ("shadow_stepped", "digits", "done", *by),
    ]  # fmt: skip
    listed = AuditLog(stage.database).list(10)[0]
    assert not any(one.is_open for one in listed)
    assert all('"shadow":"shadow-' in one.entry.details for one in listed)


def test_a_comparison_that_a_person_ends(stage: Stage) -> None:
    act_as(Actor("key:0a1b"))
    stage.keeper.end("digits")
    act_as(Actor())
    assert [(one[0], one[1], one[2], one[3]) for one in rows(stage)] == [
        ("alias_removed", "digits@challenger", "begun", "key:0a1b"),
        ("alias_removed", "digits@challenger", "done", "key:0a1b"),
    ]


def test_a_crash_right_after_the_promotion_is_seen(stage: Stage) -> None:
    promote = stage.registry.promote

    def dies_after(*arguments: object, **options: object) -> object:
        promote(*arguments, **options)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.registry, "promote", dies_after)
        with pytest.raises(KeyboardInterrupt):
            decide(stage)
    assert stage.aliases()["champion"] == 2
    (only,) = AuditLog(stage.database).list(10)[0]
    assert (only.entry.what, only.is_open) == ("shadow_stepped", True)


def test_a_store_that_cannot_be_written_is_told_once(stage: Stage) -> None:
    def refuses(*_: object, **__: object) -> object:
        raise StoreReadOnly("The store may only be read here.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.registry, "promote", refuses)
        decide(stage)
        for _ in range(3):
            stage.look()
    assert [one[2] for one in rows(stage)] == ["begun", "refused"]
    stage.look()
    assert stage.aliases()["champion"] == 2 and "version_promoted" in [one[0] for one in rows(stage)]
