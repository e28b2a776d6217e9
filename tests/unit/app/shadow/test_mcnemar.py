"""Who is better: the exact numbers, and what comes of them although somebody looks after every label."""

import math
from collections import Counter

import numpy as np
import pytest

from app.shadow.mcnemar import MOST_LABELS, Judgement, Labels, lead, two_sided

RUNS = 10_000


@pytest.mark.parametrize(
    ("one", "other", "p"),
    [(0, 0, 1.0), (5, 5, 1.0), (0, 6, 0.03125), (0, 5, 0.0625), (10, 2, 0.03857421875), (2, 10, 0.03857421875)],
)
def test_the_exact_test(one: int, other: int, p: float) -> None:
    assert two_sided(one, other) == pytest.approx(p, rel=1e-12)


def test_counts_of_any_size_have_a_p() -> None:
    assert 0 < two_sided(5000, 5400) < 0.001


def test_the_bound_is_the_smallest_that_fair_walks_reach_seldom_enough() -> None:
    def reached(bound: int) -> float:
        """Step by step: the share of all walks that have been at the bound within the steps."""
        there = {0: 1.0}
        gone = 0.0
        for _ in range(MOST_LABELS):
            after: dict[int, float] = {}
            for place, share in there.items():
                for step in (-1, 1):
                    after[place + step] = after.get(place + step, 0.0) + share / 2
            gone += after.pop(bound, 0.0)
            there = after
        return gone

    assert reached(lead()) <= 0.025 < reached(lead() - 1)


def judged(odds: float, neither: float, rng: np.random.Generator) -> Labels:
    """One challenger, looked at after every label."""
    labels = Labels()
    for draw, nobody in zip(rng.random(MOST_LABELS), rng.random(MOST_LABELS), strict=True):
        one, other, none = labels.champion, labels.challenger, labels.neither
        if nobody < neither:
            labels = Labels(one, other, none + 1)
        else:
            labels = Labels(one, other + 1, none) if draw < odds else Labels(one + 1, other, none)
        if labels.verdict is not Judgement.OPEN:
            return labels
    raise AssertionError("the most labels decide")


def test_equal_challengers_are_seldom_promoted_however_often_somebody_looks() -> None:
    rng = np.random.default_rng(5)
    found = Counter(judged(0.5, 0.0, rng).verdict for _ in range(RUNS))
    spread = 4 * math.sqrt(0.025 * 0.975 / RUNS)
    assert found[Judgement.BETTER] / RUNS < 0.025 + spread and found[Judgement.WORSE] / RUNS < 0.025 + spread
    assert found[Judgement.EQUAL] > 0.94 * RUNS


@pytest.mark.parametrize("neither", [0.0, 0.2])
def test_one_that_is_right_in_seven_of_ten_is_promoted_within_the_labels(neither: float) -> None:
    rng = np.random.default_rng(6)
    found = [judged(0.7, neither, rng) for _ in range(1000)]
    assert sum(one.verdict is Judgement.BETTER for one in found) >= 990
    assert max(one.count for one in found) <= MOST_LABELS


def test_one_that_is_wrong_in_seven_of_ten_is_worse() -> None:
    rng = np.random.default_rng(7)
    assert sum(judged(0.3, 0.1, rng).verdict is Judgement.WORSE for _ in range(200)) >= 195


def test_both_the_bound_and_the_plain_test_must_hold() -> None:
    for champion in range(MOST_LABELS):
        for challenger in range(MOST_LABELS - champion):
            labels = Labels(champion, challenger)
            if labels.verdict is Judgement.BETTER:
                assert labels.p < 0.05 and challenger - champion >= lead()
            if labels.p >= 0.05:
                assert labels.verdict in (Judgement.OPEN, Judgement.EQUAL)


def test_who_is_always_right_needs_no_more_than_the_lead() -> None:
    assert Labels(0, lead() - 1).verdict is Judgement.OPEN and Labels(0, lead()).verdict is Judgement.BETTER
    assert Labels(lead(), 0).verdict is Judgement.WORSE


def test_it_is_over_when_no_label_could_decide_any_more() -> None:
    close = MOST_LABELS - lead()
    assert Labels(close // 2, close // 2).verdict is Judgement.OPEN
    assert Labels(close // 2, close // 2, 1).verdict is Judgement.EQUAL
    assert Labels(0, 0, MOST_LABELS).verdict is Judgement.EQUAL
