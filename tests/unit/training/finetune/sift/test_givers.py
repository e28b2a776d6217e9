"""Givers of corrections: the pictures do not matter here, only what they are given as and what the base says."""

import torch

from tests.support.planting import DIGITS
from training.data.rows import Rows
from training.finetune.sift.evidence import Evidence, Group
from training.finetune.sift.givers import contradicting


def given(labels: list[int], said: list[int], sure: list[bool], givers: list[str]) -> list[Group]:
    rows = Rows(torch.zeros(len(labels), 1, 28, 28, dtype=torch.uint8), torch.tensor(labels))
    return contradicting(Evidence(rows, torch.tensor(said), torch.tensor(sure), DIGITS, rows), givers)


def test_a_giver_who_mostly_contradicts_sure_readings_is_held_whole() -> None:
    labels, said = [3] * 10 + [1] * 18, [3] * 10 + [7] * 7 + [1] * 11
    (group,) = given(labels, said, [True] * 28, ["a"] * 10 + ["b"] * 18)
    assert (group.reason, group.rows.tolist()) == ("contradicts", list(range(10, 28)))
    assert "7 of 18 corrections of one giver" in group.why
    assert given(labels, said, [False] * 28, ["a"] * 10 + ["b"] * 18) == []


def test_a_third_is_not_more_than_a_third_and_few_are_too_few() -> None:
    assert given([1] * 18, [7] * 6 + [1] * 12, [True] * 18, ["a"] * 18) == []
    assert given([1] * 5, [7] * 5, [True] * 5, ["a"] * 5) == []


def test_two_such_givers_are_two_groups() -> None:
    groups = given([1] * 14, [7] * 14, [True] * 14, ["a", "b"] * 7)
    assert [group.rows.tolist() for group in groups] == [list(range(0, 14, 2)), list(range(1, 14, 2))]
    assert groups[0].why != groups[1].why


def test_many_who_give_little_are_counted_together() -> None:
    labels = [1] * 40 + [2] * 20
    said = [7] * 20 + [1] * 20 + [2] * 20
    (group,) = given(labels, said, [True] * 60, [str(number // 2) for number in range(60)])
    assert group.rows.tolist() == list(range(20))  # those that contradict, and no others
    assert "20 of 40 corrections to 1" in group.why


def test_nobody_is_blamed_whom_nobody_knows() -> None:
    assert given([1] * 40, [7] * 40, [True] * 40, [""] * 40) == []
