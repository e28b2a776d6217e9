"""What is taken for writing in pictures without any: broad, in MNIST's layout, the same for a seed."""

import numpy as np
import pytest

from tests.support.layout import Grey, centre_of_mass
from training.synthetic.outliers import scenes


@pytest.fixture(scope="module")
def found() -> list[Grey]:
    rng = np.random.default_rng(4)
    return [scenes.found(rng) for _ in range(24)]


def test_each_is_a_picture_in_mnists_layout_and_none_is_blank(found: list[Grey]) -> None:
    for picture in found:
        assert picture.shape == (28, 28) and picture.dtype == np.uint8
        assert picture.max() > 200
        assert centre_of_mass(picture) == pytest.approx((13.5, 13.5), abs=1.5)  # the frame may cut an edge off


def test_none_is_a_bar_which_would_be_a_1(found: list[Grey]) -> None:
    for picture in found:
        rows, columns = np.flatnonzero(picture.any(1)), np.flatnonzero(picture.any(0))
        sides = sorted((np.ptp(rows) + 1, np.ptp(columns) + 1))
        assert sides[1] <= 22
        assert sides[0] >= 0.45 * sides[1]  # half, and what rounding takes


def test_no_two_are_alike_and_a_seed_finds_the_same(found: list[Grey]) -> None:
    assert len({picture.tobytes() for picture in found}) == len(found)
    rng = np.random.default_rng(4)
    assert all(np.array_equal(scenes.found(rng), picture) for picture in found[:5])
