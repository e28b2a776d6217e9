"""Spoiled digits: of what is given, and never one of the digits they are made of."""

import numpy as np
import pytest

from tests.support.layout import Grey
from training.synthetic import strokes as draw
from training.synthetic.outliers import digits


@pytest.mark.parametrize("name", digits.KINDS)
def test_no_spoiled_digit_is_one_of_the_digits_it_is_made_of(name: str) -> None:
    units = draw.units(3, 5)[:, 0]
    rng = np.random.default_rng(6)
    for _ in range(20):
        spoiled = digits.KINDS[name][1](units, rng)
        assert spoiled.max() > 200
        assert min(np.abs(spoiled.astype(int) - unit).mean() for unit in units) > 5


def crossing() -> tuple[Grey, Grey]:
    """A bar and a dash of 2x16 pixels each."""
    bar, dash = np.zeros((2, 28, 28), np.uint8)
    bar[6:22, 13:15], dash[13:15, 6:22] = 255, 255
    return bar, dash


def test_of_two_digits_over_each_other_both_are_seen() -> None:
    bar, dash = crossing()  # in 4 pixels, wherever they are shifted to
    for seed in range(5):
        both, own = digits.laid_over(bar, dash, np.random.default_rng(seed))
        assert (both > 0).sum() == 32 + 32 - 4
        assert own == pytest.approx((32 - 2 * 4) / 60)  # a pixel around the other counts as its own
    _, hidden = digits.laid_over(bar, np.maximum(bar, dash), np.random.default_rng(0))
    assert hidden < own


def test_a_digit_is_laid_over_another_one_that_leaves_both_enough_of_their_own() -> None:
    bar, dash = crossing()
    rows, columns = np.nonzero(digits.overlapped(np.stack([bar, dash]), np.random.default_rng(1)))
    assert np.ptp(rows) > 10 and np.ptp(columns) > 10  # a cross, and not the bar alone


def test_the_digits_given_are_the_ones_that_are_spoiled() -> None:
    noise = np.random.default_rng(8).integers(0, 2, (20, 20)) * 255
    mine = np.zeros((1, 1, 28, 28), np.uint8)
    mine[0, 0, 4:24, 4:24] = noise
    picture = digits.side_by_side(mine[:, 0], np.random.default_rng(0))
    drawn = digits.side_by_side(digits.drawn(), np.random.default_rng(0))
    assert not np.array_equal(picture, drawn)


def test_digits_side_by_side_stand_in_one_row_with_gaps() -> None:
    bar, _ = crossing()
    for seed in range(8):
        ink = digits.side_by_side(bar[None], np.random.default_rng(seed)).max(0) > 128
        strokes = int((np.diff(ink.astype(int)) == 1).sum())
        assert strokes in (2, 3)


def test_a_crossed_out_digit_has_more_ink_than_its_digit() -> None:
    bar, _ = crossing()
    for seed in range(8):
        crossed = digits.crossed_out(bar[None], np.random.default_rng(seed))
        assert (crossed > 128).sum() > 2 * (bar > 128).sum()


def test_the_shares_of_all_kinds_are_a_whole_and_the_stand_ins_are_all_digits() -> None:
    assert sum(share for share, _ in digits.KINDS.values()) == pytest.approx(1)
    assert digits.drawn().shape == (200, 28, 28)
    assert np.array_equal(digits.drawn(), draw.units(20, 0)[:, 0])
