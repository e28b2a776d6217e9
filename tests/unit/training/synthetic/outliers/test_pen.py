"""A hand's strokes in MNIST's layout, each time a little different."""

import numpy as np
import pytest

from tests.support.layout import Strokes, centre_of_mass, likeness, naive
from training.synthetic.outliers import pen

BAR = [np.stack([np.full(12, 0.5), np.linspace(0, 1, 12)], axis=1)]  # upright
RING = [np.stack([np.cos(turn), np.sin(turn)], axis=1) / 2 + 0.5 for turn in [np.linspace(0, 2 * np.pi, 40)]]


def test_a_stroke_is_in_the_box_of_20_pixels_with_its_mass_in_the_middle() -> None:
    for seed in range(10):
        picture = pen.unit(RING, np.random.default_rng(seed))
        rows, columns = np.flatnonzero(picture.any(1)), np.flatnonzero(picture.any(0))
        assert picture.shape == (28, 28) and picture.dtype == np.uint8
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
        assert centre_of_mass(picture) == pytest.approx((13.5, 13.5), abs=0.6)


def test_every_call_draws_a_little_differently_and_one_seed_the_same() -> None:
    rng = np.random.default_rng(1)
    first, second = pen.unit(RING, rng), pen.unit(RING, rng)
    assert not np.array_equal(first, second)
    assert likeness(first, second) > 0.4
    assert np.array_equal(first, pen.unit(RING, np.random.default_rng(1)))


def test_a_wider_pen_leaves_more_ink() -> None:
    thin, wide = (pen.unit(RING, np.random.default_rng(2), width=width) for width in (0.05, 0.2))
    assert wide.sum() > 2 * thin.sum()


def test_strokes_are_not_joined() -> None:
    bars = [BAR[0] - [0.3, 0], BAR[0] + [0.3, 0]]
    middle = pen.unit(bars, np.random.default_rng(3), slant=0, turn=0, width=0.1)[14]
    assert int((np.diff((middle > 100).astype(int)) == 1).sum()) == 2


def test_without_slant_and_turn_a_bar_stays_about_upright_and_a_slant_leans_it() -> None:
    def lean(slant: float, seed: int) -> float:
        points = pen.bent(BAR[0] - 0.5, np.random.default_rng(seed), slant, 0.0)
        return abs(float(np.polyfit(points[:, 1], points[:, 0], 1)[0]))

    upright, slanted = ([lean(slant, seed) for seed in range(30)] for slant in (0.0, 0.5))
    assert np.median(upright) < 0.1 < np.median(slanted)
    assert max(slanted) < 1


def test_a_canvas_is_laid_out_as_the_slow_way_does() -> None:
    canvas = np.zeros((160, 160), np.uint8)
    canvas[30:110, 40:52] = canvas[98:110, 40:100] = 255  # an L
    ink: Strokes = (canvas[30:110, 40:100] / 255).astype(np.float32)
    assert likeness(pen.laid_out(canvas), naive(ink)) > 0.98
