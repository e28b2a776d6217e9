"""When the end of a job moves the champion, and what is said where it does not."""

import dataclasses

import pytest

from app.jobs.promotion import Promoter
from models_store.registry import Registry
from tests.conftest import republished
from tests.support.played import ORDER, RESULT


@pytest.fixture
def three(registry: Registry) -> Registry:
    """digits@1, the champion, and two more."""
    for _ in range(2):
        republished(registry)
    return registry


def test_it_moves_the_champion_from_the_base(three: Registry) -> None:
    told = Promoter(three).promote(ORDER, RESULT)
    assert told == (True, "digits@2 is the champion now; digits@1 is previous.")
    assert three.aliases("digits") == {"champion": 2, "previous": 1}


def test_a_repeat_after_a_crash_changes_nothing(three: Registry) -> None:
    Promoter(three).promote(ORDER, RESULT)
    assert Promoter(three).promote(ORDER, RESULT) == (True, "digits@2 is the champion of digits.")
    assert three.aliases("digits") == {"champion": 2, "previous": 1}


def test_a_repeat_does_not_undo_a_rollback(three: Registry) -> None:
    Promoter(three).promote(ORDER, RESULT)
    three.rollback("digits")
    promoted, why = Promoter(three).promote(ORDER, RESULT)
    assert not promoted and "rolled it back" in why
    assert three.aliases("digits") == {"champion": 1, "previous": 2}


def test_who_did_not_ask_gets_a_version_that_waits(three: Registry) -> None:
    told = Promoter(three).promote(dataclasses.replace(ORDER, promote=False), RESULT)
    assert told == (False, "digits@2 waits to be promoted; digits@1 goes on serving.")
    assert three.aliases("digits") == {"champion": 1}


def test_another_champion_than_the_base_is_left_alone(three: Registry) -> None:
    three.promote("digits", 3, expected=1)
    promoted, why = Promoter(three).promote(ORDER, RESULT)
    assert not promoted and "The champion is digits@3, not the job's base digits@1." in why
    assert three.aliases("digits")["champion"] == 3


def test_a_rejected_version_of_a_new_model_is_told_without_a_champion(registry: Registry) -> None:
    order = dataclasses.replace(ORDER, publish_to="digits-letters")
    told = Promoter(registry).promote(order, {**RESULT, "version": "digits-letters@1", "accepted": False})
    assert told == (False, "digits-letters@1 was rejected by the gate, so no version of digits-letters serves.")


def test_damaged_aliases_are_told(three: Registry) -> None:
    (three.root / "digits" / "aliases.json").write_text("{")
    promoted, why = Promoter(three).promote(ORDER, RESULT)
    assert not promoted and "can't be read" in why
