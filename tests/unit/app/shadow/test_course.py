"""What comes next for a challenger, for every place where a crash or a person may have left it."""

from collections.abc import Mapping

import pytest

from app.shadow.course import Act, next_step
from app.shadow.mcnemar import Labels, lead
from app.shadow.record import Pair, Phase, Shadow
from tests.integration.shadow.shadowing import PAIR, shadow

BETTER, WORSE, EQUAL = Labels(2, lead() + 2, 5), Labels(lead(), 0), Labels(90, 100, 10)
PROMOTED = Pair("digits", 2, 1)  # roles were changed


def at(champion: int | None, challenger: int | None) -> Mapping[str, int]:
    places = {"champion": champion, "challenger": challenger, "previous": 9}
    return {name: number for name, number in places.items() if number is not None}


def act(found: Shadow | None, aliases: Mapping[str, int]) -> tuple[Act, Phase] | None:
    step = next_step(found, "digits", aliases)
    return None if step is None else (step.act, step.phase)


@pytest.mark.parametrize("aliases", [at(1, None), at(None, 2), at(None, None), at(2, 2)])
def test_without_two_versions_nothing_begins(aliases: Mapping[str, int]) -> None:
    assert next_step(None, "digits", aliases) is None


def test_two_versions_are_compared() -> None:
    step = next_step(None, "digits", at(1, 2))
    assert step is not None and (step.act, step.pair) == (Act.BEGIN, PAIR)


def test_while_labels_come_nothing_is_due() -> None:
    assert next_step(shadow(Labels(3, 9, 2)), "digits", at(1, 2)) is None
    assert next_step(shadow(phase=Phase.PROMOTED, pair=PROMOTED), "digits", at(2, 1)) is None


def test_a_better_one_is_promoted_step_by_step() -> None:
    better = shadow(BETTER)
    assert act(better, at(1, 2)) == (Act.CROWN, Phase.COLLECTING)
    assert act(better, at(2, 2)) == (Act.TURN, Phase.COLLECTING)
    step = next_step(better, "digits", at(2, 1))
    assert step is not None and (step.act, step.phase, step.pair) == (Act.FOLLOW, Phase.PROMOTED, PROMOTED)
    assert "digits@2 was right in 34, digits@1 in 2 of 41 labelled pictures, so it was promoted" in step.why


def test_after_a_promotion_a_new_challenger_may_have_come() -> None:
    assert act(shadow(BETTER), at(2, 3)) == (Act.END, Phase.PROMOTED)
    assert act(shadow(BETTER), at(2, None)) == (Act.END, Phase.PROMOTED)


def test_a_better_one_is_not_promoted_over_a_champion_that_was_moved() -> None:
    assert act(shadow(BETTER), at(3, 2)) == (Act.TAKE_AWAY, Phase.ENDED)
    assert act(shadow(BETTER), at(3, None)) == (Act.END, Phase.ENDED)


def test_a_better_one_whose_place_was_taken_is_not_promoted() -> None:
    assert act(shadow(BETTER), at(1, 3)) == (Act.END, Phase.ENDED)


@pytest.mark.parametrize(("labels", "phase"), [(WORSE, Phase.ENDED), (EQUAL, Phase.UNDECIDED)])
def test_another_one_leaves_and_then_it_is_written_down(labels: Labels, phase: Phase) -> None:
    assert act(shadow(labels), at(1, 2)) == (Act.TAKE_AWAY, phase)
    assert act(shadow(labels), at(1, None)) == (Act.END, phase)
    assert act(shadow(labels), at(1, 3)) == (Act.END, phase)


def test_where_the_former_champion_was_better_it_is_put_back() -> None:
    worse = shadow(BETTER, Phase.PROMOTED, PROMOTED)
    assert act(worse, at(2, 1)) == (Act.CROWN, Phase.COLLECTING)
    assert act(worse, at(1, 1)) == (Act.TAKE_AWAY, Phase.ROLLED_BACK)
    step = next_step(worse, "digits", at(1, None))
    assert step is not None and (step.act, step.phase) == (Act.END, Phase.ROLLED_BACK)
    assert step.why.endswith("so digits@1 was put back.")


@pytest.mark.parametrize("labels", [WORSE, EQUAL])
def test_where_it_was_not_the_new_one_stays(labels: Labels) -> None:
    found = shadow(labels, Phase.PROMOTED, PROMOTED)
    assert act(found, at(2, 1)) == (Act.TAKE_AWAY, Phase.PROMOTED)
    step = next_step(found, "digits", at(2, None))
    assert step is not None and step.why.endswith("so digits@2 stays the champion.")


@pytest.mark.parametrize("pair", [PAIR, PROMOTED])
@pytest.mark.parametrize(
    ("champion", "said"), [(3, "moved by somebody while they were compared: digits@3 serves"), (None, "no version")]
)
def test_a_champion_that_was_moved_by_hand_ends_it(pair: Pair, champion: int | None, said: str) -> None:
    phase = Phase.COLLECTING if pair == PAIR else Phase.PROMOTED
    step = next_step(shadow(phase=phase, pair=pair), "digits", at(champion, pair.challenger))
    assert step is not None and (step.act, step.phase) == (Act.TAKE_AWAY, Phase.ENDED) and said in step.why


def test_a_challenger_promoted_by_hand_ends_it() -> None:
    assert act(shadow(), at(2, 2)) == (Act.TAKE_AWAY, Phase.ENDED)


def test_a_newer_challenger_takes_the_place() -> None:
    step = next_step(shadow(), "digits", at(1, 3))
    assert step is not None and (step.act, step.phase) == (Act.END, Phase.ENDED)
    assert step.why == "digits@3 took the place of digits@2 as the challenger."


def test_an_alias_that_was_taken_away_ends_it() -> None:
    step = next_step(shadow(), "digits", at(1, None))
    assert step is not None and (step.act, step.phase) == (Act.END, Phase.ENDED) and "Somebody ended it" in step.why
