"""When the end of a job moves the champion, and what is said where it does not."""

import dataclasses

import pytest

from app.jobs.promotion import Placed, Promoter
from models_store.registry import Registry
from tests.conftest import republished
from tests.support.played import ORDER, RESULT

BESIDE = dataclasses.replace(ORDER, promote="shadow")


@pytest.fixture
def three(registry: Registry) -> Registry:
    """digits@1, the champion, and two more."""
    for _ in range(2):
        republished(registry)
    return registry


def test_it_moves_the_champion_from_the_base(three: Registry) -> None:
    told = Promoter(three).promote(ORDER, RESULT)
    assert told == Placed(True, "digits@2 is the champion now; digits@1 is previous.")
    assert three.aliases("digits") == {"champion": 2, "previous": 1}


def test_a_repeat_after_a_crash_changes_nothing(three: Registry) -> None:
    Promoter(three).promote(ORDER, RESULT)
    assert Promoter(three).promote(ORDER, RESULT) == Placed(True, "digits@2 is the champion of digits.")
    assert three.aliases("digits") == {"champion": 2, "previous": 1}


def test_a_repeat_does_not_undo_a_rollback(three: Registry) -> None:
    Promoter(three).promote(ORDER, RESULT)
    three.rollback("digits")
    placed = Promoter(three).promote(ORDER, RESULT)
    assert not placed.is_champion and "rolled it back" in placed.said
    assert three.aliases("digits") == {"champion": 1, "previous": 2}


def test_who_did_not_ask_gets_a_version_that_waits(three: Registry) -> None:
    told = Promoter(three).promote(dataclasses.replace(ORDER, promote="never"), RESULT)
    assert told == Placed(False, "digits@2 waits to be promoted; digits@1 goes on serving.")
    assert three.aliases("digits") == {"champion": 1}


def test_another_champion_than_the_base_is_left_alone(three: Registry) -> None:
    three.promote("digits", 3, expected=1)
    placed = Promoter(three).promote(ORDER, RESULT)
    assert not placed.is_champion and "The champion is digits@3, not the job's base digits@1." in placed.said
    assert three.aliases("digits")["champion"] == 3


def test_a_rejected_version_of_a_new_model_is_told_without_a_champion(registry: Registry) -> None:
    order = dataclasses.replace(ORDER, publish_to="digits-letters")
    told = Promoter(registry).promote(order, {**RESULT, "version": "digits-letters@1", "accepted": False})
    assert told == Placed(False, "digits-letters@1 was rejected by the gate, so no version of digits-letters serves.")


def test_damaged_aliases_are_told(three: Registry) -> None:
    (three.root / "digits" / "aliases.json").write_text("{")
    placed = Promoter(three).promote(ORDER, RESULT)
    assert not placed.is_champion and "can't be read" in placed.said


def test_a_challenger_reads_beside_the_champion(three: Registry) -> None:
    said = "digits@2 reads unseen beside the champion digits@1 now."
    for _ in range(2):  # a repeat after a crash changes nothing
        assert Promoter(three).promote(BESIDE, RESULT) == Placed(False, said, in_shadow=True)
    assert three.aliases("digits") == {"champion": 1, "challenger": 2}


def test_a_newer_challenger_takes_the_place_whatever_its_base_was(three: Registry) -> None:
    three.promote("digits", 3, expected=None, alias="challenger")
    order = dataclasses.replace(BESIDE, base="digits@3")
    placed = Promoter(three).promote(order, RESULT)
    assert placed.in_shadow and placed.said.endswith("now, in the place of digits@3.")
    assert three.aliases("digits") == {"champion": 1, "challenger": 2}


def test_what_the_gate_rejected_is_no_challenger(three: Registry) -> None:
    placed = Promoter(three).promote(BESIDE, {**RESULT, "accepted": False})
    assert not placed.in_shadow and "rejected by the gate" in placed.said
    assert three.aliases("digits") == {"champion": 1}


def test_a_model_with_all_the_aliases_it_may_have_is_told(three: Registry) -> None:
    for number in range(31):
        three.promote("digits", 3, expected=None, alias=f"a{number}")
    placed = Promoter(three).promote(BESIDE, RESULT)
    assert not placed.in_shadow and "Take one away" in placed.said
