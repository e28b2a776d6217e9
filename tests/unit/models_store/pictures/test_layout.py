"""MNIST's layout: a box of 20 pixels, the centre of mass in the middle (yann.lecun.com/exdb/mnist)."""

import numpy as np
import pytest

from models_store.pictures.layout import centred, lies_as_mnist, thickened
from tests.support.layout import Grey, Strokes, centre_of_mass, likeness, naive
from training.synthetic import strokes as draw


def extent(picture: Grey) -> tuple[int, int]:
    """Rows and columns from the first to the last with ink."""
    rows, columns = np.flatnonzero(picture.any(1)), np.flatnonzero(picture.any(0))
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


@pytest.mark.parametrize("height", [24, 40, 200])
@pytest.mark.parametrize("label", range(10))
def test_a_digit_is_laid_out_as_the_slow_way_does(label: int, height: int, rng: np.random.Generator) -> None:
    strokes = draw.digit(label, height, rng, pen=0.12)
    assert likeness(centred(strokes, 28, 28), naive(strokes)) > 0.95


@pytest.mark.parametrize(("shape", "size"), [((60, 30), (20, 10)), ((30, 60), (10, 20)), ((5, 5), (20, 20))])
def test_the_longer_side_becomes_20_pixels(shape: tuple[int, int], size: tuple[int, int]) -> None:
    assert extent(centred(np.ones(shape, np.float32), 28, 28)) == size


def test_the_box_grows_with_the_frame_and_the_shorter_side_counts() -> None:
    block = np.ones((40, 40), np.float32)
    assert extent(centred(block, 56, 56)) == (40, 40)
    wide = centred(block, 28, 84)
    assert wide.shape == (28, 84) and extent(wide) == (20, 20)


def test_the_centre_of_mass_is_in_the_middle_and_not_the_boxs() -> None:
    heavy = np.zeros((20, 20), np.float32)
    heavy[:, :12] = heavy[9:11] = 1  # most of its ink is at the left
    x, y = centre_of_mass(centred(heavy, 28, 28))
    assert (x, y) == pytest.approx((13.5, 13.5), abs=0.51)


def test_the_darkest_ink_is_white_however_faint_it_was() -> None:
    bar = np.full((30, 6), 0.2, np.float32)
    assert centred(bar, 28, 28).max() == 255
    assert np.array_equal(centred(bar, 28, 28), centred(bar * 5, 28, 28))
    assert not centred(np.zeros((9, 9), np.float32), 28, 28).any()


def bar(width: int) -> Strokes:
    """A stroke of 100 pixels, so many wide."""
    return np.ones((100, width), np.float32)


def test_a_thin_stroke_is_brought_to_the_width_asked_for() -> None:
    wide = thickened(bar(3), 0.1)
    across = int((wide[wide.shape[0] // 2] > 0.5).sum())
    assert 9 <= across <= 11  # a tenth of the height
    assert abs(wide.shape[0] - 100) <= 10


def test_a_stroke_that_is_wide_enough_is_left_alone() -> None:
    assert np.array_equal(thickened(bar(12), 0.1), bar(12))
    assert np.array_equal(thickened(bar(3), 0.0), bar(3))


@pytest.mark.parametrize("shape", [(0, 0), (0, 7), (7, 0), (1, 1), (1, 4000), (4000, 1), (2, 3)])
@pytest.mark.parametrize("size", [(28, 28), (8, 512)])
def test_strokes_of_any_size_are_laid_out(shape: tuple[int, int], size: tuple[int, int]) -> None:
    laid = centred(np.ones(shape, np.float32), *size)
    assert laid.dtype == np.uint8 and laid.shape == size
    assert laid.any() == (0 not in shape)


@pytest.mark.parametrize("width", range(1, 101))
def test_a_straight_stroke_of_any_width_is_in_the_middle(width: int) -> None:
    """One that is 2 pixels wide in MNIST's layout was lost: OpenCV took its rows for points."""
    across = max(1, round(width / 5))
    for laid in (centred(bar(width), 28, 28), centred(bar(width).T, 28, 28).T):
        assert extent(laid) == (20, across)
        assert centre_of_mass(laid) == pytest.approx((13.5, 13.5), abs=0.51)


def test_the_projects_own_layout_lies_as_mnists(rng: np.random.Generator) -> None:
    for label in range(10):
        for height in (8, 20, 200):
            assert lies_as_mnist(centred(draw.digit(label, height, rng), 28, 28))


@pytest.mark.parametrize(
    ("height", "width", "top", "left", "lies"),
    [
        pytest.param(20, 12, 4, 8, True, id="in the middle"),
        pytest.param(20, 12, 6, 10, True, id="2 pixels off"),
        pytest.param(20, 12, 7, 11, False, id="3 pixels off"),
        pytest.param(28, 20, 0, 4, True, id="on the border"),
        pytest.param(16, 8, 6, 10, True, id="small"),
        pytest.param(14, 8, 7, 10, False, id="smaller"),
        pytest.param(14, 14, 0, 0, False, id="in a corner"),
        pytest.param(20, 8, 4, 0, False, id="at a side"),
        pytest.param(0, 0, 0, 0, False, id="nothing"),
    ],
)
def test_what_lies_as_mnists_digits_do(height: int, width: int, top: int, left: int, lies: bool) -> None:
    unit = np.zeros((28, 28), np.uint8)
    unit[top : top + height, left : left + width] = 200
    assert lies_as_mnist(unit) == lies


def naively(grey: Grey) -> bool:
    """The same written out: the ink's centre of mass, and its extent, axis by axis."""
    if not grey.any():
        return False
    off_x, off_y = (place - 13.5 for place in centre_of_mass(grey))
    rows, columns = np.flatnonzero((grey > 24).any(1)), np.flatnonzero((grey > 24).any(0))
    longer = max((int(np.ptp(places)) + 1 for places in (rows, columns) if len(places)), default=0)
    return max(abs(off_x), abs(off_y)) <= 2 and longer >= 16


def test_thousands_of_pictures_lie_as_they_do_by_the_slow_way(rng: np.random.Generator) -> None:
    decided = []
    for place, unit in enumerate(draw.units(per_digit=100, seed=4)[:, 0]):
        moved = np.roll(unit, rng.integers(-4, 5, 2), (0, 1))
        faint = (unit * rng.uniform(0, 0.3)).astype(np.uint8)
        dots = np.where(rng.random((28, 28)) < 0.02 * (place % 9), rng.integers(0, 256, (28, 28)), 0).astype(np.uint8)
        cut = unit.copy()
        cut[: rng.integers(0, 20)] = 0
        for grey in (unit, moved, faint, dots, cut, np.ascontiguousarray(moved[::-1]), moved.T.copy()):
            decided.append(lies_as_mnist(grey))
            assert decided[-1] == naively(grey)
    assert 0.2 < np.mean(decided) < 0.8 and len(decided) == 7000


def test_ink_at_the_limits_of_faintness_counts_or_does_not() -> None:
    for level in (23, 24, 25, 255):
        grey = np.zeros((28, 28), np.uint8)
        grey[6:22, 12:16] = level
        assert lies_as_mnist(grey) == naively(grey) == (level > 24)
