"""A picture's sides: cuts off a line of one colour, as screenshots, drawing canvases and scans have, and lays paper
around a picture of so few pixels that there is no room for any."""

import numpy as np
from numpy.typing import NDArray

from models_store.pictures.ground import Colour

_SEEN = 512  # pixels of a row: enough to see that it is one colour
_MOST = 0.03  # of the longer side: a wider strip is no border
_ALIKE = 16  # grey levels, in every colour, between pixels of one border
_EVEN = 0.9  # of a row is so
_GROUND = 0.5  # of the row inside it: whatever lies there is the ground
_OTHER = 24  # grey levels, in some colour, between a border and what is inside
_TINY = 16  # pixels of the longer side: in less a digit has hardly any paper around it
_PAPER = 0.5  # of the longer side, around it: 97 of 100 of scikit-learn's 8x8 digits are read so, without it 53


def without_border(picture: Colour) -> Colour:
    """uint8 [H, W, 3] without its border on each side that has one; the same picture where there is none."""
    most = max(2, round(_MOST * max(picture.shape[:2])))
    if min(picture.shape[:2]) < 8 * most:
        return picture
    for _ in range(4):
        picture = np.rot90(picture[_border(picture[: most + 2]) :])
    return picture


def with_paper(picture: Colour) -> Colour:
    """uint8 [H, W, 3] with the usual colour of its sides around it where it is tiny; the same where it is not."""
    height, width = picture.shape[:2]
    if max(height, width) >= _TINY:
        return picture
    sides = np.concatenate([picture[0], picture[-1], picture[1:-1, 0], picture[1:-1, -1]])
    reach = max(1, round(_PAPER * max(height, width)))
    paper = np.empty((height + 2 * reach, width + 2 * reach, 3), np.uint8)
    paper[:] = np.median(sides, axis=0).round()
    paper[reach:-reach, reach:-reach] = picture
    return paper


def _border(strip: NDArray[np.uint8]) -> int:
    """How many of the uppermost rows are a border, of all but the last two that are given."""
    strip = strip[:, :: max(1, strip.shape[1] // _SEEN)]
    usual = np.median(strip, axis=1).astype(np.int16)  # [rows, 3]
    alike = np.abs(strip.astype(np.int16) - usual[:, None]).max(2) < _ALIKE
    even = alike.mean(1)
    away = np.abs(usual - usual[0]).max(1)
    inside = np.flatnonzero(away > _OTHER)
    if not len(inside) or even[: inside[0]].min() < _EVEN:
        return 0
    first = int(inside[0])
    if first + 1 < len(strip) and np.abs(usual[first + 1] - usual[first]).max() > _ALIKE:
        first += 1  # a row that is half the one and half the other
    return first if first < len(strip) - 1 and even[first] > _GROUND else 0
