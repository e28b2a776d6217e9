"""Digits that can't be read as one: written over each other, side by side, crossed out."""

from collections.abc import Callable, Mapping
from functools import cache

import cv2
import numpy as np

from training.synthetic import strokes
from training.synthetic.outliers import pen
from training.synthetic.outliers.pen import SIDE, Grey

Spoiled = Callable[[Grey, np.random.Generator], Grey]  # uint8 [N, 28, 28] of digits -> uint8 [28, 28]

_INK = 96  # grey levels of 255 above which a pixel is ink
OWN = 0.3  # of the common ink: what each of two digits must have for itself
_TRIES = 40
_APART = 6  # pixels across and along: 8 aslant
_NEIGHBOURS = np.ones((3, 3), np.uint8)


def overlapped(digits: Grey, rng: np.random.Generator) -> Grey:
    """Two digits of different shapes over each other; neither alone explains the ink."""
    best, most = digits[0], -1.0
    for _ in range(_TRIES):
        one, other = digits[rng.integers(len(digits), size=2)]
        both, own = laid_over(one, other, rng)
        if own > most:
            best, most = both, own
        if own > OWN:
            break
    return pen.laid_out(best)


def laid_over(one: Grey, other: Grey, rng: np.random.Generator) -> tuple[Grey, float]:
    """Two digits [28, 28] up to 8 pixels apart, uint8 [40, 40], and the share of their common ink that only one has,
    more than a pixel off the other's: the lesser one's. Above OWN a person sees both."""
    pages = np.zeros((2, SIDE + 2 * _APART, SIDE + 2 * _APART), np.uint8)
    down, right = (_APART + rng.integers(-_APART, _APART + 1, 2)).tolist()
    pages[0, _APART:-_APART, _APART:-_APART] = one
    pages[1, down : down + SIDE, right : right + SIDE] = other
    inks = (pages > _INK).astype(np.uint8)
    near = [cv2.dilate(ink, _NEIGHBOURS) for ink in inks]
    own = min(int((inks[0] > near[1]).sum()), int((inks[1] > near[0]).sum()))
    return pages.max(0), own / max(1, int(inks.max(0).sum()))


def side_by_side(digits: Grey, rng: np.random.Generator) -> Grey:
    """Two or three digits in one row, squeezed together into one digit's box."""
    count = int(rng.integers(2, 4))
    parts = [_cut(digit) for digit in digits[rng.integers(len(digits), size=count)]]
    gap = int(rng.integers(1, 5))
    row = np.zeros((SIDE, sum(part.shape[1] + gap for part in parts)), np.uint8)
    left = 0
    for part in parts:
        room = SIDE - part.shape[0]
        top = min(max(room // 2 + int(rng.integers(-2, 3)), 0), room)
        row[top : top + part.shape[0], left : left + part.shape[1]] = part
        left += part.shape[1] + gap
    narrow = rng.uniform(0.6, 1)
    return pen.laid_out(cv2.resize(row, None, fx=2 * narrow, fy=2, interpolation=cv2.INTER_LINEAR))


def crossed_out(digits: Grey, rng: np.random.Generator) -> Grey:
    """A digit under a cross, under three lines or more, or under a zigzag."""
    large = cv2.resize(digits[rng.integers(len(digits))], (80, 80), interpolation=cv2.INTER_CUBIC)
    kind, count = rng.integers(3), int(rng.integers(3, 6))
    if kind == 0:
        lines = [np.array([(5, 5), (75, 75)]), np.array([(75, 5), (5, 75)])]
    elif kind == 1:
        heights = np.linspace(18, 62, count)
        lines = [np.array([(3, height), (77, height)]) for height in heights]
    else:
        lines = [np.stack([np.linspace(3, 77, 2 * count + 2), np.tile([62, 18], count + 1)], axis=1)]
    lean = rng.uniform(-0.5, 0.5)
    for line in lines:
        points = line + rng.normal(0, 2, line.shape)
        points[:, 1] += lean * (points[:, 0] - 40)
        cv2.polylines(large, [np.rint(points).astype(np.int32)], False, 255, int(rng.integers(4, 8)), cv2.LINE_AA)
    return pen.laid_out(large)


KINDS: Mapping[str, tuple[float, Spoiled]] = {  # with their shares
    "overlapped digits": (0.5, overlapped),
    "digits side by side": (0.25, side_by_side),
    "crossed-out digit": (0.25, crossed_out),
}


@cache
def drawn() -> Grey:
    """Some digits where no one has others: uint8 [200, 28, 28]."""
    return strokes.units(20, 0)[:, 0]


def _cut(digit: Grey) -> Grey:
    left, top, width, height = cv2.boundingRect(digit)
    return digit[top : top + height, left : left + width]
