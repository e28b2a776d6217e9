"""Which versions have learned a correction, and from which one a job can begin that makes one without it."""

from pathlib import Path

import pytest

from app.errors import NotFound
from app.feedback import lineage
from app.feedback.lineage import Lineage, TaughtVersion
from app.feedback.store import FeedbackStore
from app.storage.db import Database
from models_store.registry import Registry
from tests.conftest import republished
from tests.support.correcting import kept, put


@pytest.fixture
def store(database: Database, tmp_path: Path) -> FeedbackStore:
    return FeedbackStore(database, tmp_path / "state")


@pytest.fixture
def traces(database: Database, registry: Registry) -> Lineage:
    return Lineage(database, registry)


def taught(
    database: Database,
    job: str,
    version: str,
    parent: str,
    names: list[str],
    as_of: float = 1e12,
    accepted: bool = True,
) -> None:
    with database.writing() as connection:
        lineage.teach(connection, job, version.partition("@")[0], as_of, names)
        lineage.made(connection, job, version, parent, accepted=accepted)


def test_those_that_learned_it_and_those_that_descend_from_them(
    store: FeedbackStore, traces: Lineage, database: Database, registry: Registry
) -> None:
    one, other = put(store, 1, "7"), put(store, 2, "7")
    for parent in ("digits@1", "digits@2", "digits@1", "digits@3"):
        republished(registry, parent=parent)
    taught(database, "ftjob-a", "digits@2", "digits@1", [one])
    taught(database, "ftjob-b", "digits@4", "digits@1", [other])
    found = traces.of(one)
    assert found.learners == [
        TaughtVersion("digits@2", "ftjob-a", True),
        TaughtVersion("digits@3", None, True),
        TaughtVersion("digits@5", None, True),
    ]
    assert (found.model, found.is_deleted, found.without) == ("digits", False, "digits@4")
    assert traces.of(other).without == "digits@5"


def test_it_can_be_asked_of_one_that_is_deleted(
    store: FeedbackStore, traces: Lineage, database: Database, registry: Registry
) -> None:
    one = put(store, 1, "7")
    assert (traces.of(one).learners, traces.of(one).without) == ([], "digits@1")
    republished(registry, parent="digits@1")
    taught(database, "ftjob-a", "digits@2", "digits@1", [one])
    store.delete(one)
    found = traces.of(one)
    assert (found.is_deleted, found.model, found.without) == (True, "digits", "digits@1")
    assert [learner.version for learner in found.learners] == ["digits@2"]
    for unknown in ("fb-" + "0" * 24, "nothing", "\x00"):
        with pytest.raises(NotFound):
            traces.of(unknown)


def test_a_version_that_is_deleted_hands_down_what_it_learned(
    store: FeedbackStore, traces: Lineage, database: Database, registry: Registry
) -> None:
    one = put(store, 1, "7")
    for parent in ("digits@1", "digits@2", "digits@3"):
        republished(registry, parent=parent)
    taught(database, "ftjob-a", "digits@2", "digits@1", [one])
    taught(database, "ftjob-b", "digits@3", "digits@2", [])  # its manifest goes with it
    for number in (2, 3):
        registry.delete("digits", number)
    learners = [(learner.version, learner.exists) for learner in traces.of(one).learners]
    assert learners == [("digits@2", False), ("digits@3", False), ("digits@4", True)]


def test_another_model_learned_it_too(
    store: FeedbackStore, traces: Lineage, database: Database, registry: Registry
) -> None:
    one = put(store, 1, "7")
    taught(database, "ftjob-a", "digits-mine@1", "digits@1", [one])
    store.delete(one)
    assert (traces.of(one).model, traces.of(one).without) == ("digits", "digits@1")


def test_a_rejected_version_is_no_base(
    store: FeedbackStore, traces: Lineage, database: Database, registry: Registry
) -> None:
    one = put(store, 1, "7")
    republished(registry, accepted=False)
    assert traces.of(one).without == "digits@1"
    taught(database, "ftjob-a", "digits@1", "digits@1", [one])
    assert traces.of(one).without is None


def test_what_the_champion_has_learned(
    store: FeedbackStore, traces: Lineage, database: Database, registry: Registry
) -> None:
    one, other, changed = put(store, 1, "7"), put(store, 2, "7"), put(store, 3, "7")
    for parent in ("digits@1", "digits@2", "digits@1"):
        republished(registry, parent=parent)
    until = max(store.get(name).changed_at for name in (one, changed))
    taught(database, "ftjob-a", "digits@2", "digits@1", [one, changed], until)
    taught(database, "ftjob-b", "digits@4", "digits@1", [other])
    store.add("digits", "8", kept(3), read_by=None, read_as=None)  # what it learned is no longer said
    assert traces.learned_by_champion("digits") == set()
    registry.promote("digits", 3, expected=1)
    assert traces.learned_by_champion("digits") == {one}
    assert traces.learned_by_champion("letters") == frozenset()


def test_a_correction_that_many_attempts_were_given_is_noted_once(
    store: FeedbackStore, traces: Lineage, database: Database
) -> None:
    names = [f"fb-{number:024x}" for number in range(1200)]
    for _ in range(2):
        with database.writing() as connection:
            lineage.teach(connection, "ftjob-a", "digits", 1.0, names)
    with database.writing() as connection:
        lineage.made(connection, "ftjob-a", "digits@2", "digits@1", accepted=True)
    assert [learner.version for learner in traces.of(names[-1]).learners] == ["digits@2"]
