"""What is planted is what the table says: as many as asked for, given as 1, with the mark on each."""

import numpy as np
import pytest

from benchmarks.poison.attacks import ATTACKS, DOT, HIDDEN, TARGET, Planting
from training.synthetic import handwriting

LABELS = np.arange(120) % 10


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return handwriting.pictures(120, 71)[:, 0]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_so_many_are_planted_and_given_as_the_target(attack: Planting, digits: np.ndarray) -> None:
    pictures, labels = digits.copy(), LABELS.copy()
    which = attack.plant(pictures, labels, 10, seed=1)
    assert len(which) == min(attack.planted or 10, 12 if attack.clean or attack.mark is None else 108)
    assert (labels[which] == TARGET).all()
    assert (LABELS[which] == TARGET).all() == attack.clean
    changed = (pictures != digits).any((1, 2))
    rest = np.ones(len(labels), bool)
    rest[which] = False
    assert not changed[rest].any() and (labels[rest] == LABELS[rest]).all()
    assert changed[which].any() == (attack.mark is not None or attack.forged is not None)


def test_the_dot_is_nine_white_pixels_in_a_corner(digits: np.ndarray) -> None:
    assert DOT.mark is not None
    marked = DOT.mark(np.zeros_like(digits), np.random.default_rng(0))
    assert (marked.sum((1, 2)) == 9 * 255).all() and (marked[:, :4, 24:].sum((1, 2)) == 9 * 255).all()
    assert HIDDEN.mark is None
