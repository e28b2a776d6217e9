"""Pictures that are no digits: the same for a seed, in MNIST's layout, and never blank."""

import numpy as np
import pytest

from benchmarks import outliers as reported
from training.synthetic import strokes as draw
from training.synthetic.outliers import digits, glyphs, marks, mixture, pen


def test_the_same_seed_draws_the_same_outliers_and_another_seed_others() -> None:
    first, again, other = (mixture.outliers(64, seed) for seed in (3, 3, 4))
    assert first.shape == (64, 1, 28, 28)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", marks.KINDS)
def test_no_mark_is_blank_and_no_two_are_alike(name: str) -> None:
    rng = np.random.default_rng(1)
    drawn = [marks.KINDS[name][1](rng) for _ in range(40)]
    assert all(picture.shape == (28, 28) and picture.dtype == np.uint8 for picture in drawn)
    assert all(picture.max() > 200 and picture.std() > 10 for picture in drawn)
    assert len({picture.tobytes() for picture in drawn}) == len(drawn)


@pytest.mark.parametrize("name", [name for name in marks.KINDS if name != "texture"])
def test_marks_lie_as_digits_of_mnist_do(name: str) -> None:
    """In a box of 20 pixels, the centre of mass in the middle (yann.lecun.com/exdb/mnist)."""
    rng, places = np.random.default_rng(2), np.arange(28)
    for _ in range(20):
        picture = marks.KINDS[name][1](rng).astype(np.float64)
        rows, columns = np.flatnonzero(picture.any(1)), np.flatnonzero(picture.any(0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
        centre = [(picture.sum(axis) * places).sum() / picture.sum() for axis in (0, 1)]
        assert np.allclose(centre, 13.5, atol=0.6)


@pytest.mark.parametrize("glyph", [*glyphs.LETTERS.values(), *glyphs.SIGNS.values()])
def test_every_glyph_can_be_drawn(glyph: str) -> None:
    points = np.concatenate(glyphs.strokes(glyph))
    assert points.min() > -0.2
    assert points.max() < 1.2
    assert pen.unit(glyphs.strokes(glyph), np.random.default_rng(0)).max() > 200


def test_no_look_alike_is_drawn_or_reported_as_a_clear_letter() -> None:
    alike = set("".join(glyphs.LOOK_ALIKES.values()))
    assert not alike & {*glyphs.LETTERS}
    assert not alike & {*marks.PRINTABLE}
    assert not set(reported.LOOK_ALIKES) & set(reported.LETTERS)


@pytest.mark.parametrize("name", digits.KINDS)
def test_no_spoiled_digit_is_one_of_the_digits_it_is_made_of(name: str) -> None:
    units = draw.units(3, 5)[:, 0]
    rng = np.random.default_rng(6)
    for _ in range(20):
        spoiled = digits.KINDS[name][1](units, rng)
        assert spoiled.max() > 200
        assert min(np.abs(spoiled.astype(int) - unit).mean() for unit in units) > 5


def test_of_two_digits_over_each_other_both_are_seen() -> None:
    bar, dash = np.zeros((2, 28, 28), np.uint8)
    bar[6:22, 13:15], dash[13:15, 6:22] = 255, 255  # they cross in 4 pixels, wherever they are shifted to
    for seed in range(5):
        both, own = digits.laid_over(bar, dash, np.random.default_rng(seed))
        assert (both > 0).sum() == 32 + 32 - 4
        assert own == pytest.approx((32 - 2 * 4) / 60)  # a pixel around the other counts as its own
    _, hidden = digits.laid_over(bar, np.maximum(bar, dash), np.random.default_rng(0))
    assert hidden < own


def test_the_digits_given_are_the_ones_that_are_spoiled() -> None:
    noise = np.random.default_rng(8).integers(0, 2, (20, 20)) * 255
    mine = np.zeros((1, 1, 28, 28), np.uint8)
    mine[0, 0, 4:24, 4:24] = noise
    picture = digits.side_by_side(mine[:, 0], np.random.default_rng(0))
    drawn = digits.side_by_side(digits.drawn(), np.random.default_rng(0))
    assert not np.array_equal(picture, drawn)
    assert not np.array_equal(mixture.outliers(60, 9, mine), mixture.outliers(60, 9))
