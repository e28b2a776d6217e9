import bisect
import dataclasses
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_store.specs import FineTuneSpec
from training.judge.gate import Judged, as_first, decide, enough, from_scratch, still_good, untriggered
from training.judge.trigger import Turned

SPEC = FineTuneSpec(base="digits@1")  # may lose 0.3 points; a new label set must reach 80 %
HOW = "50 held-out new pictures"
OLD = Judged(10_000, 0.9950, 0.9950)
counts = st.integers(0, 100_000)


@pytest.mark.parametrize(
    ("new", "old", "accepted"),
    [
        (Judged(50, 0.90, 0.92), OLD, True),
        (Judged(50, 0.90, 0.90), OLD, True),
        (Judged(50, 0.90, 0.88), OLD, False),
        (Judged(50, 0.90, 0.92), Judged(10_000, 0.9950, 0.9990), True),
        (Judged(50, 0.90, 0.92), Judged(10_000, 0.9950, 0.9920), True),  # exactly 0.3 points
        (Judged(50, 0.90, 0.92), Judged(10_000, 0.9950, 0.9919), False),  # a row more
        (Judged(50, 0.90, 0.92), Judged(360, 344 / 360, 343 / 360), True),  # 0.28 points
        (Judged(50, 0.90, 0.92), Judged(360, 344 / 360, 342 / 360), False),
        (Judged(50, 0.90, 0.88), Judged(10_000, 0.9950, 0.5), False),
        (Judged(50, 0.90, 0.92), None, True),
        (Judged(50, 0.90, 0.88), None, False),
        (Judged(50, 0.90, 0.92), Judged(10_000, None, 0.5), True),
        (Judged(50, 0.90, math.nan), OLD, False),
        (Judged(50, 0.90, 0.92), Judged(10_000, 0.9950, math.nan), False),
        (Judged(50, None, math.nan), None, False),
        (Judged(50, 0.0, math.inf), None, False),
        (Judged(50, None, 0.80), None, True),
        (Judged(50, None, 0.78), None, False),
        (Judged(18, None, 1.0), None, True),
    ],
)
def test_the_table_of_the_gate(new: Judged, old: Judged | None, accepted: bool) -> None:
    decision = decide(new, old, SPEC, HOW)
    assert decision.accepted is accepted
    assert decision.why.startswith("accepted: " if accepted else "rejected: ")


def test_the_sentence_has_the_numbers_and_the_blame() -> None:
    assert decide(Judged(50, 0.9, 0.92), Judged(10_000, 0.9965, 0.9951), SPEC, HOW).why == (
        "accepted: 50 held-out new pictures: 90.00% -> 92.00%; the base's own test (10,000 rows): 99.65% -> 99.51%"
    )
    assert decide(Judged(50, 0.9, 0.88), Judged(360, 0.95, 0.9), SPEC, HOW).why == (
        "rejected: 50 held-out new pictures: 90.00% -> 88.00%; "
        "the base's own test (360 rows): 95.00% -> 90.00%; worse on the new pictures; forgets more than 0.3 points"
    )
    assert decide(Judged(30, 0.5, 0.6), None, SPEC, "30 new pictures in 5 folds").why == (
        "accepted: 30 new pictures in 5 folds: 50.00% -> 60.00%; no test of the base is on this machine"
    )
    assert decide(Judged(30, None, 0.7), None, SPEC, "30 new pictures in 5 folds").why == (
        "rejected: a new label set, 70.00% of 30 new pictures in 5 folds read right, at least 80.00% needed"
    )


@pytest.mark.parametrize(("alike", "accepted"), [(1.0, True), (0.962, True), (0.9619, False), (math.nan, False)])
def test_stand_ins_must_be_read_as_the_base_reads_them(alike: float, accepted: bool) -> None:
    new, old = Judged(50, 0.9, 0.92), Judged(4000, 0.946, 0.95, "drawn digits in place of its own test")
    assert decide(new, old, SPEC, HOW, alike).accepted is accepted
    assert decide(new, old, dataclasses.replace(SPEC, min_alike=0.5), HOW, 0.6).accepted
    assert not decide(Judged(50, 0.9, 0.8), old, SPEC, HOW, 1.0).accepted


def test_the_sentence_says_how_many_stand_ins_are_read_alike() -> None:
    new, old = Judged(50, 0.9, 0.92), Judged(4000, 0.946, 0.95, "drawn digits in place of its own test")
    drawn = "drawn digits in place of its own test (4,000 rows): 94.60% -> 95.00%"
    said = f"50 held-out new pictures: 90.00% -> 92.00%; {drawn}"
    assert decide(new, old, SPEC, HOW, 0.98).why == f"accepted: {said}, 98.00% of them read as the base reads them"
    assert decide(new, old, SPEC, HOW, 0.93).why == (
        f"rejected: {said}, 93.00% of them read as the base reads them; "
        "reads more than 3.8 % of them otherwise than its base"
    )


def test_the_recipe_sets_both_limits() -> None:
    strict = FineTuneSpec(base="digits@1", max_loss=0.0, min_accuracy=1.0)
    assert decide(Judged(50, 0.9, 0.9), Judged(100, 0.9, 0.9), strict, HOW).accepted
    refused = decide(Judged(50, 0.9, 0.9), Judged(100, 0.9, 0.89), strict, HOW)
    assert not refused.accepted and "forgets more than 0 points" in refused.why
    assert not decide(Judged(50, None, 0.98), None, strict, HOW).accepted
    generous = FineTuneSpec(base="digits@1", max_loss=0.05, min_accuracy=0.5)
    assert decide(Judged(50, 0.9, 0.9), Judged(100, 0.9, 0.85), generous, HOW).accepted
    assert decide(Judged(50, None, 0.5), None, generous, HOW).accepted


def test_thirty_of_ten_thousand_rows_may_be_lost_from_wherever_one_starts() -> None:
    same = Judged(50, 0.9, 0.9)
    for right in range(31, 10_001, 7):  # shares of whole rows, none of which a float holds exactly
        assert decide(same, Judged(10_000, right / 10_000, (right - 30) / 10_000), SPEC, HOW).accepted
        assert not decide(same, Judged(10_000, right / 10_000, (right - 31) / 10_000), SPEC, HOW).accepted


@settings(deadline=None)
@given(rows=st.integers(1, 100_000), was=counts, now=counts, old_rows=st.integers(1, 100_000), kept=counts, had=counts)
def test_accepted_means_no_worse_on_new_and_little_lost_on_old(
    rows: int, was: int, now: int, old_rows: int, kept: int, had: int
) -> None:
    was, now, had, kept = was % (rows + 1), now % (rows + 1), had % (old_rows + 1), kept % (old_rows + 1)
    new, old = Judged(rows, was / rows, now / rows), Judged(old_rows, had / old_rows, kept / old_rows)
    little = (had - kept) * 1000 <= 3 * old_rows  # in whole numbers
    assert decide(new, old, SPEC, HOW).accepted is (now >= was and little)
    assert still_good(old, SPEC).accepted is little


def test_a_compressed_version_may_lose_as_much() -> None:
    assert still_good(Judged(10_000, 0.9950, 0.9920), None).accepted
    refused = still_good(Judged(10_000, 0.9950, 0.9919), None)
    assert not refused.accepted
    assert refused.why == "rejected: 10,000 test rows: 99.50% -> 99.19%, at most 0.3 points may be lost"
    assert still_good(Judged(10_000, 0.9950, 0.97), FineTuneSpec(base="digits@1", max_loss=0.025)).accepted
    for no_share in (math.nan, math.inf):
        assert not still_good(Judged(10_000, 0.9950, no_share), SPEC).accepted


@pytest.mark.parametrize(
    ("rows", "right", "most", "accepted"),
    [
        (10_000, 1_135, 1_135, False),  # a net that says 1 to all of MNIST's test: exactly the share
        (10_000, 1_180, 1_135, False),  # a little luck
        (10_000, 1_260, 1_135, True),
        (1_000, 100, 100, False),
        (2, 2, 1, False),
        (4, 4, 2, False),
        (6, 6, 3, True),
        (5, 5, 4, False),  # all right, and four of five show the same
        (30, 30, 10, True),
        (100, 95, 95, False),
        (100, 99, 95, False),
        (1_000, 990, 950, True),
        (10, 10, 10, False),  # a single label: whoever always says it is right too
        (100, 33, 34, False),
        (100, 0, 10, False),
        (10, 3, 1, False),  # as lucky as one in fourteen of those who guess
        (5, 3, 1, False),
    ],
)
def test_a_net_from_scratch_must_beat_guessing(rows: int, right: int, most: int, accepted: bool) -> None:
    decision = from_scratch(Judged(rows, None, right / rows, guess=most / rows))
    assert decision.accepted is accepted
    assert decision.why.startswith("accepted: from scratch, " if accepted else "rejected: from scratch, ")


def test_the_sentence_of_a_net_from_scratch_has_its_numbers() -> None:
    assert from_scratch(Judged(10_000, None, 0.1135, guess=0.1135)).why == (
        "rejected: from scratch, 11.35% of 10,000 test rows read right, surely 10.73%, "
        "more than the 11.35% of guessing needed"
    )
    assert not from_scratch(Judged(10_000, None, math.nan, guess=0.1)).accepted


@pytest.mark.parametrize("rows", [*range(1, 31), 60, 100, 500, 1_000])
def test_who_guesses_passes_at_most_once_in_forty_times(rows: int) -> None:
    """With the fewest rows right that pass; one less would pass more often."""
    for guess in (0.01, 0.1, 0.1135, 0.2, 1 / 3, 0.5, 0.7, 0.95):
        judged = [Judged(rows, None, right / rows, guess=guess) for right in range(rows + 1)]
        least = bisect.bisect_left(judged, True, key=lambda one: one.beats_guessing)
        assert _chance(rows, least, guess) <= 0.025 < _chance(rows, least - 1, guess)


def _chance(rows: int, least: int, guess: float) -> float:
    """That a guesser has `least` of the rows right, or more."""
    return math.fsum(math.comb(rows, n) * guess**n * (1 - guess) ** (rows - n) for n in range(least, rows + 1))


def test_new_labels_and_weights_from_elsewhere_that_only_guess_are_rejected() -> None:
    constant = Judged(100, None, 0.9, guess=0.9)  # nine of ten show the same label, which it says to all
    assert decide(constant, None, SPEC, HOW).why == (
        "rejected: a new label set, 90.00% of 50 held-out new pictures read right, at least 80.00% needed; "
        "guessing reads 90.00% too"
    )
    assert decide(dataclasses.replace(constant, candidate=0.91), None, SPEC, HOW).accepted
    lax = dataclasses.replace(SPEC, min_accuracy=0.0)
    assert not enough("weights from elsewhere", Judged(500, None, 0.1, guess=0.1), "500 test rows", lax).accepted
    assert not enough("weights from elsewhere", Judged(500, None, 0.79, guess=0.1), "500 test rows", SPEC).accepted


def test_the_first_version_of_a_name_must_beat_guessing_too() -> None:
    """Its base may be a version of an earlier release that reads no more than chance."""
    new, old = Judged(50, 0.1, 0.12, guess=0.1), Judged(10_000, 0.1135, 0.1140, guess=0.1135)
    accepted = decide(new, old, SPEC, HOW)
    assert accepted.accepted
    refused = as_first(accepted, new, old)
    assert not refused.accepted
    assert refused.why == (
        f"rejected: {HOW}: 10.00% -> 12.00%; the base's own test (10,000 rows): 11.35% -> 11.40%; "
        "a model's first version must beat guessing, and this does not surely"
    )
    one_label = Judged(10, 0.5, 1.0, guess=1.0)  # corrections are often all of one
    assert as_first(accepted, one_label, Judged(10_000, 0.995, 0.995, guess=0.1135)).accepted
    assert not as_first(accepted, one_label).accepted
    worse = decide(Judged(50, 0.9, 0.8), None, SPEC, HOW)
    assert as_first(worse, new) is worse


LABELS = ("0", "1", "2")


def test_a_patch_may_turn_three_in_ten_and_no_more() -> None:
    good = decide(Judged(50, 0.90, 0.92), OLD, SPEC, HOW)
    assert untriggered(good, Turned(1, 0.55, 0.25), {}, LABELS, SPEC) == good  # 30 points more than its base
    assert untriggered(good, None, {}, LABELS, SPEC) == good
    turned = untriggered(good, Turned(1, 0.56, 0.25), {}, LABELS, SPEC)
    assert not turned.accepted
    assert turned.why == good.why.replace("accepted", "rejected") + (
        "; a patch turns pictures of other labels to 1: 25.00% -> 56.00% of them"
    )


def test_pictures_that_turn_others_are_counted_by_label() -> None:
    good = decide(Judged(50, 0.90, 0.92), OLD, SPEC, HOW)
    turned = untriggered(good, Turned(1, 0.0, 0.0), {"1": 40, "2": 8}, LABELS, SPEC)
    assert not turned.accepted
    assert "40 given as 1 and 8 given as 2 turn every other that they are laid over" in turned.why


def test_what_is_rejected_already_keeps_its_reason() -> None:
    bad = decide(Judged(50, 0.90, 0.5), OLD, SPEC, HOW)
    assert untriggered(bad, Turned(1, 1.0, 0.0), {"1": 40}, LABELS, SPEC) == bad
