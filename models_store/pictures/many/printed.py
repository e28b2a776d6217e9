"""Finds what forms and squared paper have printed between small digits, and takes it out of ink: rules, boxes, combs.

`rules` does that for one large digit; here lines may be as short as a box around a digit.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models_store.pictures.ground import Grey
from models_store.preparation import WritingSpec

Mask = NDArray[np.uint8]  # [H, W], 0 or 1
Places = NDArray[np.int32]  # [N], rows or columns

_FAINTER = 0.6  # of the weakest ink that counts as written: print is often paler
_TURNS: list[float] = np.tan(
    np.radians(np.arange(-10, 10.1, 0.5))
).tolist()  # how far lines are looked for from the level and the plumb
_POINTS = 6000  # of a mask: enough to see how lines are turned
_COARSE = 64  # pixels: print between taller digits is looked for in half the picture
_PAGE = 0.25  # of the longer side: a line that long is printed, whatever the digits' size
_LONG = 1.35  # of a digit's height: longer straight level strokes are printed
_TALL = 1.6  # the same for upright ones: a 1 is as tall as a digit
_PART = 0.95  # of a digit's height, from which a stroke between two printed lines is a box's side
_TICK = 0.7  # of a digit's height: a comb's teeth are shorter
_THICK = 0.2  # of a digit's height: print is thinner
_AROUND = np.ones((3, 3), np.uint8)  # an edge that is neither line nor paper
_LEFT = 0.05  # of the ink must be left, otherwise the lines were the writing


@dataclass(frozen=True)
class Print:
    """Printed lines [H, W], 0 or 1: level ones and upright ones."""

    across: Mask
    upright: Mask


def print_in(ink: Grey, height: float | None, spec: WritingSpec) -> Print | None:
    """The printed lines in ink 0..255 [H, W], turned by up to 10 degrees; None where there are none.

    `height` is that of a digit in pixels; where it is None, only lines are found that no digit could hold.
    """
    shrink = 2 if height is not None and height >= _COARSE else 1
    small = cv2.resize(ink, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
    mask = (small > 255 * _FAINTER * spec.weak / math.sqrt(shrink)).astype(np.uint8)
    level, plumb = _turned(mask)
    size, there = _room(np.array([[1, plumb, 0], [-level, 1, 0]], np.float32), mask.shape)
    turned = np.asarray(cv2.warpAffine(mask, there, size, flags=cv2.INTER_NEAREST), np.uint8)
    lines = _lines(turned, height and height / shrink, max(mask.shape))
    if not any(one.any() for one in lines):
        return None
    return Print(*(_turned_back(one, there, mask.shape, ink.shape) for one in lines))


def _turned_back(lines: Mask, there: NDArray[np.float32], shape: tuple[int, ...], whole: tuple[int, ...]) -> Mask:
    """The lines where they are in the picture, with their edges."""
    back = cv2.warpAffine(lines, there, shape[::-1], flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    wide = cv2.resize(back, whole[::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.dilate(wide, _AROUND), np.uint8)


def without_print(ink: Grey, printed: Print) -> Grey:
    """The ink 0..255 [H, W] without printed lines, mended where a stroke crosses one."""
    rest = np.where((printed.across | printed.upright) == 1, np.uint8(0), ink)
    if int(rest.sum()) < _LEFT * int(ink.sum()):
        return ink
    mended = rest
    for lines, axis in ((printed.across, 0), (printed.upright, 1)):
        ways = lines if axis == 0 else lines.T
        edges = int(np.count_nonzero(ways[:-1] < ways[1:]))
        thick = math.ceil(int(np.count_nonzero(lines)) / max(1, edges)) + 2
        kernel = np.ones((thick, 3) if axis == 0 else (3, thick), np.uint8)
        mended = np.maximum(mended, lines * np.asarray(cv2.morphologyEx(rest, cv2.MORPH_CLOSE, kernel), np.uint8))
    return np.minimum(mended, ink)


def _turned(mask: Mask) -> tuple[float, float]:
    """Tangents by which level and upright lines are turned: those at which the ink falls into the fewest rows."""
    y, x = np.nonzero(mask)
    step = max(1, len(y) // _POINTS)
    y, x = y[::step], x[::step]

    def gathered(place: NDArray[np.float64]) -> float:
        counts = np.bincount((place - place.min()).astype(np.int32))
        return float(np.square(counts, dtype=np.float64).sum())

    if not len(y):
        return 0.0, 0.0
    level = max(_TURNS, key=lambda turn: gathered(y - turn * x) * (1 - 0.1 * abs(turn)))
    plumb = max(_TURNS, key=lambda turn: gathered(x + turn * y) * (1 - 0.1 * abs(turn)))
    return level, plumb


def _room(straight: NDArray[np.float32], shape: tuple[int, ...]) -> tuple[tuple[int, int], NDArray[np.float32]]:
    """The size (width, height) in which the whole turned picture lies, and the way there."""
    height, width = shape
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float32)
    moved = cv2.transform(corners, straight)[0]
    low = moved.min(0)
    there = straight.copy()
    there[:, 2] -= low
    extent = np.ceil(moved.max(0) - low).astype(int).tolist()
    return (extent[0], extent[1]), there


def _lines(mask: Mask, height: float | None, longer: int) -> tuple[Mask, Mask]:
    """The printed lines of a mask in which they are level and plumb: level ones, upright ones."""
    page = _PAGE * longer
    if height is None:
        thick = max(3, round(0.02 * longer))
        return _runs(mask, round(page), thick), _runs(mask.T, round(min(page, 0.9 * mask.shape[0])), thick).T
    thick = max(3, round(_THICK * height))
    across = _runs(mask, round(_LONG * height), thick)
    upright = _runs(mask.T, round(min(max(page, _LONG * height), _TALL * height)), thick).T
    if across.any():
        upright = upright | _sides(mask, across, height, thick)
    return across, np.asarray(upright, np.uint8)


def _runs(mask: Mask, length: int, thick: int) -> Mask:
    """Level runs of at least `length` pixels, no thicker than `thick`; they may climb a pixel on the way."""
    wide = cv2.dilate(mask, np.ones((3, 1), np.uint8))
    runs = mask & np.asarray(cv2.morphologyEx(wide, cv2.MORPH_OPEN, np.ones((1, max(3, length)), np.uint8)), np.uint8)
    fat = cv2.morphologyEx(runs, cv2.MORPH_OPEN, np.ones((thick + 1, 1), np.uint8))
    around = np.asarray(cv2.dilate(fat, np.ones((3, 1), np.uint8)), np.uint8)
    return np.asarray(np.where(around == 1, np.uint8(0), runs), np.uint8)


def _sides(mask: Mask, across: Mask, height: float, thick: int) -> Mask:
    """Upright strokes that stand between two level lines as a box's sides do, or alone on one as a comb's teeth do."""
    thickened = np.asarray(cv2.dilate(across, _AROUND), np.uint8)
    rest = np.asarray(mask & (1 - thickened), np.uint8)
    part = max(4, round(0.2 * height))
    upright = _runs(rest.T, part, thick).T
    count, labels, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(upright), connectivity=8)
    _, whole, around, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    reach = max(3, thick // 2)
    left, top, width, tall = stats[:, :4].T
    right, bottom = left + width, top + tall
    lines, ink = _Sums(thickened), _Sums(rest)
    above = lines.any_in(top - reach, top + 1, left - 2, right + 2)
    below = lines.any_in(bottom - 1, bottom + reach, left - 2, right + 2)
    crosses = ink.any_in(bottom, bottom + 2 * reach + thick, left - 2, right + 2)  # a stroke that crosses the line
    slim = width <= thick + 0.12 * tall
    slim[0] = False
    side = slim & above & below & (tall > _PART * height)
    tooth = np.flatnonzero(slim & below & ~above & (tall < _TICK * height) & ~crosses)
    places = np.flatnonzero(labels)[::-1]
    first = np.zeros(count, np.intp)
    first[labels.ravel()[places]] = places  # of the places of one stroke the first one comes last, and stays
    mine = around[whole.ravel()[first[tooth]]]
    alone = (mine[:, cv2.CC_STAT_WIDTH] <= width[tooth] + 3) & (mine[:, cv2.CC_STAT_HEIGHT] <= tall[tooth] + 6)
    kept = side.astype(np.uint8)
    kept[tooth[alone]] = 1
    return np.asarray(kept[labels], np.uint8)


class _Sums:
    """A mask's sums (Crow 1984), so that many of its parts can be looked at together."""

    def __init__(self, mask: Mask) -> None:
        self._sums = cv2.integral(mask)

    def any_in(self, top: Places, bottom: Places, left: Places, right: Places) -> NDArray[np.bool_]:
        """In which parts [N] anything is; they may reach over the mask's sides."""
        height, width = self._sums.shape[0] - 1, self._sums.shape[1] - 1
        top, bottom, left, right = top.clip(0), bottom.clip(0, height), left.clip(0), right.clip(0, width)
        inside = self._sums[bottom, right] - self._sums[top, right] - self._sums[bottom, left] + self._sums[top, left]
        return np.asarray(inside > 0)
