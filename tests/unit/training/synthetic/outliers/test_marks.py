"""Scribbles, blots, textures and letters: never blank, in MNIST's layout, each as its name says."""

import cv2
import numpy as np
import pytest

from training.synthetic.outliers import marks


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


def parts(picture: cv2.typing.MatLike) -> int:
    """Pieces of connected ink."""
    count, *_ = cv2.connectedComponents((picture > 100).astype(np.uint8), connectivity=8)
    return count - 1


def test_there_are_three_to_eight_dots_and_one_blot() -> None:
    rng = np.random.default_rng(3)
    counts = [parts(marks.dots(rng)) for _ in range(30)]
    assert min(counts) == 3 and max(counts) == 8
    assert {parts(marks.blot(rng)) for _ in range(30)} == {1}


def widest(picture: cv2.typing.MatLike) -> float:
    """Pixels from the middle of the widest place to its edge."""
    return float(cv2.distanceTransform((picture > 128).astype(np.uint8), cv2.DIST_L2, 3).max())


def test_a_blot_is_wider_than_the_strokes_of_a_pen() -> None:
    rng = np.random.default_rng(4)
    blots, letters = ([widest(mark(rng)) for _ in range(20)] for mark in (marks.blot, marks.written_letter))
    assert np.median(blots) > 2 * np.median(letters)


def test_the_same_random_numbers_draw_the_same_mark() -> None:
    for _, mark in marks.KINDS.values():
        assert np.array_equal(mark(np.random.default_rng(5)), mark(np.random.default_rng(5)))


def test_the_shares_of_all_kinds_are_a_whole() -> None:
    assert sum(share for share, _ in marks.KINDS.values()) == pytest.approx(1)
