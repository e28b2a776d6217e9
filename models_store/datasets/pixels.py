"""Numbers in a table -> a grey picture, on the scale that the table's pixels have."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models_store.datasets.rows import RowRejected
from models_store.pictures.decode import to_png

SCALES = (1, 16, 255)  # what pixels count to: shares, scikit-learn's and UCI's digits, bytes
_MIN_SIDE = 2  # pixels: no picture has less


def is_square(count: int) -> bool:
    """Whether so many pixels are a square picture."""
    return count >= _MIN_SIDE**2 and math.isqrt(count) ** 2 == count


def numbers(cells: Sequence[str]) -> NDArray[np.float64]:
    """The cells as numbers; a decimal comma is read as a point. Raises RowRejected where one is none."""
    try:
        return np.array([cell.replace(",", ".") for cell in cells], np.float64)
    except ValueError:
        raise RowRejected("pixel_invalid", "A pixel is no number. Write whole numbers from 0 to 255.") from None


def number(cell: str) -> float | None:
    """The cell as a number, None where it is none."""
    try:
        return float(numbers([cell])[0])
    except RowRejected:
        return None


def scale_of(largest: Sequence[float]) -> int:
    """What the pixels of a table count to, by the largest one of each of its pictures: the smallest scale that holds
    half of the pictures, so that one wrong line darkens no other. Blank pictures say nothing."""
    written = [value for value in largest if 0 < value <= SCALES[-1]]
    usual = float(np.median(written)) if written else SCALES[-1]
    return next(scale for scale in SCALES if usual <= scale)


def picture(values: NDArray[np.float64], scale: int) -> bytes:
    """A square grey PNG, 0 black and `scale` white. Raises RowRejected for a number outside of the scale."""
    if not ((values >= 0) & (values <= scale)).all():
        raise RowRejected("pixel_invalid", f"A pixel is not from 0 to {scale}, as the table's are. Scale it to that.")
    side = math.isqrt(len(values))
    levels = np.rint(values * (255 / scale)).astype(np.uint8)
    return to_png(levels.reshape(1, side, side))
