"""Challengers from their first picture to their end, on both databases, with a real store."""

from pathlib import Path

import pytest

from app.errors import Conflict, NotFound, Unprocessable
from app.shadow.mcnemar import MOST_LABELS, Labels, lead
from app.shadow.record import Pair, Phase
from app.storage.db import Database
from models_store.errors import VersionInUse
from models_store.registry import Registry
from tests.integration.shadow.shadowing import PAIR, Stage

MANY = lead() + 10


@pytest.fixture
def stage(registry: Registry, database: Database, tmp_path: Path) -> Stage:
    return Stage.of(registry, database, tmp_path)


def test_without_a_challenger_there_is_nothing(stage: Stage) -> None:
    assert stage.keeper.look("digits") is None and stage.keeper.look("letters") is None
    with pytest.raises(NotFound):
        stage.keeper.end("digits")
    with pytest.raises(NotFound):
        stage.keeper.label("digits", "sh-0a1b2c3d4e5f60718293a4b5", "3")


def test_an_alias_begins_it_and_the_version_can_not_be_deleted_meanwhile(stage: Stage) -> None:
    found = stage.challenge()
    assert (found.pair, found.phase, found.labels) == (PAIR, Phase.COLLECTING, Labels())
    assert stage.look() == found
    with pytest.raises(VersionInUse):
        stage.registry.delete("digits", 2)


def test_counts_go_to_the_two_that_were_compared(stage: Stage) -> None:
    stage.challenge()
    assert stage.keeper.count(PAIR, 10, 2) is not None and stage.keeper.count(PAIR, 5, 0) is not None
    assert stage.keeper.count(Pair("digits", 1, 3), 7, 7) is None  # of an earlier challenger: it comes too late
    assert (stage.look().compared, stage.look().differed) == (15, 2)


def test_labels_count_for_whom_they_agree_with_and_the_picture_goes(stage: Stage) -> None:
    stage.challenge()
    stage.differ(5)
    for label in ("3", "5", "5", "8", "unreadable"):
        left = len(stage.left())
        stage.label(label, 1)
        assert len(stage.left()) == left - 1
    assert stage.look().labels == Labels(1, 2, 2)


def test_a_label_counts_once_and_no_unknown_one(stage: Stage) -> None:
    stage.challenge()
    stage.differ(1)
    (question,) = stage.sample.sheet(stage.look())[0]
    with pytest.raises(Unprocessable, match="or say unreadable"):
        stage.keeper.label("digits", question.id, "cat")
    stage.keeper.label("digits", question.id, "3")
    with pytest.raises(Conflict, match="has a label"):
        stage.keeper.label("digits", question.id, "5")
    assert stage.look().labels == Labels(1, 0, 0)


def test_a_better_one_is_promoted_and_the_former_champion_reads_beside_it(stage: Stage) -> None:
    first = stage.challenge()
    stage.differ(MANY)
    found = stage.label("5", MANY)
    assert stage.aliases() == {"champion": 2, "previous": 1, "challenger": 1}
    assert (found.phase, found.pair, found.is_active) == (Phase.PROMOTED, Pair("digits", 2, 1), True)
    assert found.id != first.id and found.labels == Labels() and "so it was promoted" in str(found.why)
    assert stage.left() == []  # those without a label have gone: labels after it are of pictures after it


def test_where_labels_after_a_promotion_say_worse_it_is_rolled_back(stage: Stage) -> None:
    stage.challenge()
    stage.differ(lead())
    stage.label("5", lead())
    stage.differ(MANY)  # now the champion says 3, and the one before says 5
    found = stage.label("5", MANY)
    assert stage.aliases() == {"champion": 1, "previous": 2}
    assert (found.phase, found.is_active) == (Phase.ROLLED_BACK, False) and "digits@1 was put back" in str(found.why)
    assert stage.left() == []


def test_where_they_do_not_the_new_champion_stays(stage: Stage) -> None:
    stage.challenge()
    stage.differ(lead())
    stage.label("5", lead())
    stage.differ(MANY)
    found = stage.label("3", MANY)
    assert stage.aliases() == {"champion": 2, "previous": 1}
    assert (found.phase, found.is_active) == (Phase.PROMOTED, False) and "stays the champion" in str(found.why)


def test_a_worse_one_is_not_promoted(stage: Stage) -> None:
    stage.challenge()
    stage.differ(MANY)
    found = stage.label("3", MANY)
    assert stage.aliases() == {"champion": 1} and stage.left() == []
    assert (found.phase, found.is_active) == (Phase.ENDED, False) and "worse and was not promoted" in str(found.why)
    assert found.labels == Labels(lead(), 0, 0)


def test_an_equal_one_is_left_to_a_person(stage: Stage) -> None:
    stage.challenge()
    stage.differ(MOST_LABELS)
    for _ in range(MOST_LABELS // 2):
        stage.label("3", 1)
        stage.label("5", 1)
    found = stage.look()
    assert stage.aliases() == {"champion": 1} and stage.left() == []
    assert found.phase is Phase.UNDECIDED and found.labels.count <= MOST_LABELS
    assert "Promote digits@2 by hand if you like it" in str(found.why)
    with pytest.raises(Conflict, match="over"):
        stage.keeper.end("digits")


def test_a_champion_moved_by_hand_ends_it(stage: Stage) -> None:
    stage.challenge()
    stage.differ(3)
    stage.registry.promote("digits", 3, expected=1)
    found = stage.look()
    assert (found.phase, found.is_active) == (Phase.ENDED, False)
    assert "moved by somebody while they were compared: digits@3 serves now" in str(found.why)
    assert stage.aliases() == {"champion": 3, "previous": 1} and stage.left() == []


def test_a_rollback_by_hand_after_a_promotion_is_not_undone(stage: Stage) -> None:
    stage.challenge()
    stage.differ(lead())
    stage.label("5", lead())
    stage.registry.rollback("digits")
    assert stage.look().phase is Phase.ENDED
    assert stage.aliases() == {"champion": 1, "previous": 2}


def test_a_newer_challenger_takes_the_place(stage: Stage) -> None:
    first = stage.challenge(2)
    stage.differ(3)
    found = stage.challenge(3)
    assert found.id != first.id and found.pair == Pair("digits", 1, 3) and stage.left() == []


def test_ending_it_deletes_the_pictures_and_the_champion_goes_on(stage: Stage) -> None:
    stage.challenge()
    stage.differ(3)
    found = stage.keeper.end("digits")
    assert (found.phase, found.is_active) == (Phase.ENDED, False) and stage.left() == []
    assert stage.aliases() == {"champion": 1}
    stage.registry.delete("digits", 2)
    assert stage.look() == found


def test_a_version_whose_files_are_gone_ends_it(stage: Stage) -> None:
    stage.challenge()
    stage.differ(lead())
    (stage.registry.root / "digits" / "2" / "manifest.json").unlink()
    stage.keeper.end("digits")
    assert stage.look().phase is Phase.ENDED and stage.left() == []


def test_a_sweep_does_what_is_due_without_traffic(stage: Stage) -> None:
    stage.challenge()
    stage.differ(2)
    stage.registry.promote("digits", 3, expected=1)
    stage.keeper.sweep()
    assert stage.left() == [] and "challenger" not in stage.aliases()
