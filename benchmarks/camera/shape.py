"""Turns a small bitmap of a digit into smooth strokes, as distances on a square."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Grey = NDArray[np.uint8]

SIDE, UNIT = 192, 128  # samples along the square, and along the digit's longer side in its middle
_THIN = 96  # the centre line is sought on a coarser square: a few samples across a stroke are enough
_NEIGHBOURS = ((0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0))  # clockwise from the north


@dataclass(frozen=True)
class Strokes:
    """Distances [SIDE, SIDE] in units of the digit's longer side: `outline` is signed, above 0 inside the ink; `spine`
    is how far the centre line is. `width` is the usual thickness of a stroke; `box` the ink's (width, height)."""

    outline: Field
    spine: Field
    width: float
    box: tuple[float, float]


def strokes(bitmap: Grey) -> Strokes:
    """Of a uint8 bitmap [h, w], 255 = ink. Raises ValueError where it holds no ink."""
    if not (bitmap > 100).any():
        raise ValueError("the bitmap holds no ink above 100: pass a digit, light on dark")
    rows, columns = np.flatnonzero((bitmap > 50).any(1)), np.flatnonzero((bitmap > 50).any(0))
    cut = bitmap[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32) / 255
    scale = UNIT / max(cut.shape)
    height, width = (max(1, round(length * scale)) for length in cut.shape)
    # Padded by a sample first, so that the ink's outer edge is interpolated and not cut.
    grown = cv2.resize(
        np.pad(cut, 1), (width + round(2 * scale), height + round(2 * scale)), interpolation=cv2.INTER_CUBIC
    )
    canvas = np.zeros((SIDE, SIDE), np.float32)
    top, left = (SIDE - grown.shape[0]) // 2, (SIDE - grown.shape[1]) // 2
    canvas[top : top + grown.shape[0], left : left + grown.shape[1]] = grown
    mask = (cv2.GaussianBlur(canvas, (0, 0), 0.4 * scale) > 0.4).astype(np.uint8)
    inside, outside = (cv2.distanceTransform(part, cv2.DIST_L2, 5) for part in (mask, 1 - mask))
    outline = np.asarray(cv2.GaussianBlur(inside - outside, (0, 0), 1.5) / UNIT, np.float32)
    radius = float(np.median(inside[inside > 0])) * 2 * _THIN / SIDE  # of a stroke: depths are uniform across it
    coarse = np.asarray(cv2.resize(mask, (_THIN, _THIN), interpolation=cv2.INTER_AREA), np.uint8)
    thin = _pruned(_thinned(coarse), round(1.3 * radius))
    away = cv2.resize(cv2.distanceTransform(1 - thin, cv2.DIST_L2, 5), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    smooth = cv2.GaussianBlur(away, (0, 0), 2.5)
    # Smoothing lifts the zero on the line itself: taken off again, or thin pens would leave gaps where it bends.
    lifted = np.percentile(smooth[cv2.resize(thin, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST) > 0], 90)
    spine = (np.maximum(smooth - lifted, 0) * (SIDE / _THIN / UNIT)).astype(np.float32)
    deep = cv2.resize(inside, (_THIN, _THIN), interpolation=cv2.INTER_AREA)[thin > 0]
    return Strokes(outline, spine, float(2 * np.median(deep) / UNIT), (width / UNIT, height / UNIT))


def _thinned(mask: Grey) -> Grey:
    """The centre lines of a 0/1 mask, by Zhang and Suen (Communications of the ACM 27, 1984)."""
    weights = np.zeros((3, 3), np.float32)
    for bit, place in enumerate(_NEIGHBOURS):
        weights[place] = 1 << bit
    thin, last = mask.copy(), -1
    while (left := int(thin.sum())) != last:
        last = left
        for table in _DELETE:
            around = cv2.filter2D(thin, cv2.CV_8U, weights, borderType=cv2.BORDER_CONSTANT)
            thin &= np.asarray(1 - cv2.LUT(around, table), np.uint8)
    return thin


def _pruned(thin: Grey, longest: int) -> Grey:
    """Without the spurs, of at most `longest` samples, that thinning leaves between a stroke's end and its corners."""
    left = np.pad(thin, 1)
    lines = left.copy()
    for row, column in np.argwhere(lines):
        path, near = [(row, column)], _beside(lines, row, column)
        if len(near) != 1:
            continue
        while len(near) == 1 and len(path) <= longest:
            path.append(near[0])
            near = [place for place in _beside(lines, *path[-1]) if place not in path]
        if len(near) > 1:
            for place in path[:-1]:
                left[place] = 0
    return np.ascontiguousarray(left[1:-1, 1:-1])


def _beside(lines: Grey, row: int, column: int) -> list[tuple[int, int]]:
    rows, columns = np.nonzero(lines[row - 1 : row + 2, column - 1 : column + 2])
    places = [(row - 1 + int(r), column - 1 + int(c)) for r, c in zip(rows, columns, strict=True)]
    return [place for place in places if place != (row, column)]


def _deletable(first: bool) -> Grey:
    """Per code of eight neighbours, whether a pass of Zhang and Suen's takes the middle away."""
    table = np.zeros(256, np.uint8)
    for code in range(256):
        p = [code >> bit & 1 for bit in range(8)]
        changes = sum(p[i] == 0 and p[(i + 1) % 8] == 1 for i in range(8))
        north, east, south, west = p[0], p[2], p[4], p[6]
        free = (north * east * south, east * south * west) if first else (north * east * west, north * south * west)
        table[code] = 2 <= sum(p) <= 6 and changes == 1 and not any(free)
    return table


_DELETE = (_deletable(True), _deletable(False))
