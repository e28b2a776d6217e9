"""Letters and signs as strokes: all can be drawn, and none looks like a digit."""

import numpy as np
import pytest

from benchmarks import outliers as reported
from training.synthetic.outliers import glyphs, marks, pen


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


def test_strokes_are_parted_and_their_points_are_hundredths() -> None:
    first, second = glyphs.strokes("8,8 92,8 | 50,8 50,95")  # a T
    assert first[0].tolist() == [0.08, 0.08] and first[-1].tolist() == [0.92, 0.08]
    assert second[0].tolist() == [0.5, 0.08] and second[-1].tolist() == [0.5, 0.95]


def test_a_straight_line_has_points_close_to_each_other_on_it() -> None:
    points = glyphs.dense(np.array([[0.0, 0.0], [0.6, 0.8], [0.6, 0.0]]))
    gaps = np.hypot(*np.diff(points, axis=0).T)
    assert gaps.max() < 0.09 and gaps.sum() == pytest.approx(1 + 0.8)
    slope = points[points[:, 0] < 0.6]
    assert np.allclose(slope[:, 1], slope[:, 0] * 8 / 6)
    assert [0.6, 0.8] in points.tolist()


def test_a_dot_is_a_point_and_its_end() -> None:
    assert glyphs.dense(np.array([[0.5, 0.5], [0.5, 0.5]])).tolist() == [[0.5, 0.5]] * 2


def test_a_curve_passes_its_points_and_leaves_the_straight_line() -> None:
    (curve,) = glyphs.strokes("~0,0 50,50 100,0")
    assert all(np.abs(curve - point).sum(1).min() < 1e-9 for point in ([0, 0], [0.5, 0.5], [1, 0]))
    quarter = np.interp(0.25, curve[: len(curve) // 2, 0], curve[: len(curve) // 2, 1])
    assert quarter > 0.26  # rounder than the chain of lines, which is at 0.25
