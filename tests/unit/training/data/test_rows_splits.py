"""Splits and folds, of any rows."""

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from models_store.errors import RecipeRejected
from training.data.rows import Rows, folds, split

LABELS = st.lists(st.integers(0, 6), max_size=60)
SEEDS = st.integers(0, 2**31 - 1)


def rows_of(labels: list[int]) -> Rows:
    """One picture of one pixel for each label; the pixel is the row's number."""
    return Rows(torch.arange(len(labels), dtype=torch.uint8).view(-1, 1, 1, 1), torch.tensor(labels, dtype=torch.int64))


def numbers(rows: Rows) -> list[int]:
    return rows.pictures.flatten().tolist()


def counts(rows: Rows) -> Counter[int]:
    return Counter(rows.labels.tolist())


def each_keeps_its_label(rows: Rows, labels: list[int]) -> bool:
    return [labels[number] for number in numbers(rows)] == rows.labels.tolist()


@given(LABELS, st.floats(0.001, 0.999), SEEDS)
def test_a_split_is_disjoint_complete_and_stratified(labels: list[int], share: float, seed: int) -> None:
    rest, taken = split(rows_of(labels), share, seed)
    assert sorted(numbers(rest) + numbers(taken)) == list(range(len(labels)))
    assert each_keeps_its_label(rest, labels) and each_keeps_its_label(taken, labels)
    for label, count in Counter(labels).items():
        assert abs(counts(taken)[label] - share * count) <= 1
        if count > 1:
            assert counts(rest)[label] >= 1 and counts(taken)[label] >= 1
        else:
            assert counts(rest)[label] == 1


@given(LABELS, st.integers(2, 12), SEEDS)
def test_folds_are_disjoint_complete_and_balanced(labels: list[int], k: int, seed: int) -> None:
    if k > len(labels):
        with pytest.raises(RecipeRejected):
            folds(rows_of(labels), k, seed)
        return
    parts = list(folds(rows_of(labels), k, seed))
    assert len(parts) == k
    assert sorted(number for _, part in parts for number in numbers(part)) == list(range(len(labels)))
    for rest, part in parts:
        assert sorted(numbers(rest) + numbers(part)) == list(range(len(labels)))
        assert each_keeps_its_label(rest, labels) and each_keeps_its_label(part, labels)
    sizes = [len(part) for _, part in parts]
    assert max(sizes) - min(sizes) <= 1
    for label in set(labels):
        mine = [counts(part)[label] for _, part in parts]
        assert max(mine) - min(mine) <= 1


@pytest.mark.parametrize("k", [-1, 0, 1, 41])
def test_impossible_folds_are_refused_at_once(k: int) -> None:
    with pytest.raises(RecipeRejected, match=rf"{k} folds"):
        folds(rows_of([0, 1] * 20), k, seed=1)


LARGE = [0] * 120 + [1] * 60 + [2] * 20


def everything(seed: int) -> list[list[int]]:
    pairs = [split(rows_of(LARGE), 0.25, seed), *folds(rows_of(LARGE), 4, seed)]
    return [numbers(rows) for pair in pairs for rows in pair]


def test_the_seed_decides() -> None:
    assert everything(7) == everything(7)
    assert all(left != right for left, right in zip(everything(7), everything(8), strict=True))


def test_a_quarter_is_a_quarter_of_each_label() -> None:
    assert counts(split(rows_of(LARGE), 0.25, seed=3)[1]) == {0: 30, 1: 15, 2: 5}
    assert [counts(part) for _, part in folds(rows_of(LARGE), 4, seed=3)] == [{0: 30, 1: 15, 2: 5}] * 4


def test_rows_come_in_random_order() -> None:
    """Whoever takes the first few gets all labels, although files lie label by label."""
    parts = [*split(rows_of(LARGE), 0.5, seed=3), *next(folds(rows_of(LARGE), 2, seed=3))]
    for part in parts:
        assert len(set(part.labels[:20].tolist())) >= 2
        assert numbers(part) != sorted(numbers(part))


def test_the_global_generator_is_left_alone() -> None:
    def drawn() -> Tensor:
        torch.manual_seed(5)
        split(rows_of(LARGE), 0.5, seed=3)
        list(folds(rows_of(LARGE), 2, seed=3))
        return torch.rand(3)

    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), drawn())
