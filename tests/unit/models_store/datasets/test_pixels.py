"""Numbers of a table as pixels: on each scale, and outside of it."""

import io

import numpy as np
import pytest
from PIL import Image

from models_store.datasets.pixels import is_square, numbers, picture, scale_of
from models_store.datasets.rows import RowRejected


def grey(data: bytes) -> list[int]:
    return [int(level) for level in np.asarray(Image.open(io.BytesIO(data))).ravel()]


def test_every_scale_reaches_from_black_to_white() -> None:
    assert grey(picture(np.array([0, 16, 8, 4]), 16)) == [0, 255, 128, 64]
    assert grey(picture(np.array([0, 1, 0.5, 0.1]), 1)) == [0, 255, 128, 26]
    assert grey(picture(np.array([0, 255, 254, 1]), 255)) == [0, 255, 254, 1]


@pytest.mark.parametrize(("wrong", "scale"), [(-1, 255), (256, 255), (17, 16), (1.01, 1), (np.nan, 1), (np.inf, 255)])
def test_a_number_outside_of_the_scale_is_refused(wrong: float, scale: int) -> None:
    with pytest.raises(RowRejected, match=f"0 to {scale}"):
        picture(np.array([0, 0, 0, wrong]), scale)


@pytest.mark.parametrize(
    ("largest", "scale"),
    [
        ([1, 1, 1], 1), ([0.4, 0.9], 1), ([16, 15, 16], 16), ([2], 16), ([255, 254, 17], 255), ([], 255), ([0, 0], 255),
        ([16, 16, 16, 255], 16),  # one wrong line darkens no other
        ([0, 0, 0, 255], 255),  # blank pictures say nothing
        ([1e9, 16], 16),
    ],
)  # fmt: skip
def test_the_scale_is_that_of_most_pictures(largest: list[float], scale: int) -> None:
    assert scale_of(largest) == scale


def test_a_decimal_comma_is_read() -> None:
    assert numbers(["0,5", " 1 ", "2e0"]).tolist() == [0.5, 1, 2]
    with pytest.raises(RowRejected):
        numbers(["1", ""])


def test_a_picture_has_four_pixels_at_least() -> None:
    assert [count for count in range(30) if is_square(count)] == [4, 9, 16, 25]
