"""Drawn digits: the same for a seed, of the size asked for, and read as what they are."""

import numpy as np
import pytest

from models_store.model import Model
from models_store.refs import Ref
from models_store.registry import Registry
from tests.support.layout import likeness
from training.synthetic import strokes


def test_units_are_the_same_for_the_same_seed_from_0_to_9(registry: Registry) -> None:
    units = strokes.units(per_digit=3, seed=1)
    assert units.shape == (30, 1, 28, 28) and units.dtype == np.uint8
    assert np.array_equal(units, strokes.units(3, 1)) and not np.array_equal(units, strokes.units(3, 2))
    assert len({unit.tobytes() for unit in units}) == 30
    version = registry.resolve(Ref("digits"))
    answers = Model.load(version.folder, version.manifest).predict(units).argmax(1)
    assert answers.tolist() == np.arange(10).repeat(3).tolist()


@pytest.mark.parametrize("label", range(10))
def test_a_digit_is_about_as_high_as_asked_and_cut_to_its_ink(label: int, rng: np.random.Generator) -> None:
    for height in (20, 90):
        ink = strokes.digit(label, height, rng)
        assert ink.dtype == np.float32 and ink.min() >= 0 and ink.max() == pytest.approx(1, abs=0.01)
        assert 0.8 * height < ink.shape[0] < 1.2 * height
        assert all(edge.any() for edge in (ink[0], ink[-1], ink[:, 0], ink[:, -1]))


def test_a_wider_pen_leaves_more_ink_and_another_shape_is_drawn(rng: np.random.Generator) -> None:
    thin, wide = (strokes.digit(0, 60, np.random.default_rng(1), pen).mean() for pen in (0.05, 0.15))
    assert wide > 2 * thin
    level = strokes.digit(1, 60, rng, strokes=[(False, [(0.1, 0.5), (0.9, 0.5)])])
    assert level.shape[1] > 3 * level.shape[0]


@pytest.mark.parametrize(("ground", "pen_grey"), [(255, 30), (50, 230)])
def test_on_paper_the_digit_lies_whole_on_even_ground(ground: int, pen_grey: int) -> None:
    for seed in range(5):
        page = strokes.on_paper(7, np.random.default_rng(seed), (120, 200), 70, ground, pen_grey)
        assert page.shape == (120, 200) and page.dtype == np.uint8
        frame = np.concatenate([page[:6].ravel(), page[-6:].ravel(), page[:, :6].ravel(), page[:, -6:].ravel()])
        assert (frame == ground).all()
        assert {int(page.min()), int(page.max())} == {ground, pen_grey}


def test_scenes_show_three_shapes_in_turn() -> None:
    pictures = strokes.scenes(7, (3, 40, 60), seed=2)
    assert pictures.shape == (7, 3, 40, 60) and pictures.dtype == np.uint8
    assert np.array_equal(pictures, strokes.scenes(7, (3, 40, 60), seed=2))
    assert strokes.scenes(2, (1, 40, 60), seed=2).shape == (2, 1, 40, 60)


def test_a_shape_fills_its_box_as_geometry_says() -> None:
    """Of the box around it, a rectangle covers all, an ellipse a quarter of pi, a triangle the half."""
    for kind, share in enumerate((1.0, np.pi / 4, 0.5)):
        for seed in range(4):
            picture = strokes.scene(kind, 200, 300, np.random.default_rng(seed)).astype(int)
            inside = np.abs(picture - picture[:, :1, :1]).max(0) > 25
            rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
            box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
            assert inside.sum() / box == pytest.approx(share, abs=0.03)


def test_a_spline_passes_its_points_and_keeps_a_straight_line_straight() -> None:
    points = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0], [4.0, 4.0]])
    curve = strokes.smooth(points, steps=5)
    assert curve.shape == (5 * 3 + 1, 2)
    assert np.allclose(curve[::5], points)
    assert np.allclose(curve[7], strokes.smooth(points, steps=10)[14])
    line = strokes.smooth(np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]]))
    assert np.allclose(line[:, 1], 2 * line[:, 0])


def test_the_middle_of_a_spline_is_worked_out_by_hand() -> None:
    """Catmull-Rom at t = 1/2: (-a + 9b + 9c - d) / 16."""
    a, b, c, d = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0], [4.0, 4.0]])
    middle = strokes.smooth(np.array([a, b, c, d]), steps=2)[3]
    assert np.allclose(middle, (-a + 9 * b + 9 * c - d) / 16)


def test_digits_of_one_label_are_alike(rng: np.random.Generator) -> None:
    zero, again, seven = strokes.unit(0, rng), strokes.unit(0, rng), strokes.unit(7, rng)
    assert likeness(zero, again) > likeness(zero, seven) + 0.2
