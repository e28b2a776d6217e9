"""From the ink of a whole page to its digits: what is one digit, or several that touch, and what is none.

`order` reads the boxes that it finds, `cut` cuts those apart that are wide.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models_store.pictures.ground import Grey, Ink
from models_store.pictures.hysteresis import components
from models_store.pictures.marks import BoundingBox
from models_store.preparation import WritingSpec

_MOST = 2000  # marks of one picture that are looked at, the heaviest
_MOST_FRAMED = 600  # marks: more of them are dirt, and no form
_LEAST_HEIGHT = 8  # pixels of a digit
_NEAR = 0.15  # of a digit's height: a loose stroke of a digit is no farther from it
_OVER = 0.3  # of a loose stroke's width that lies above or below the digit to which it belongs
_WHOLE = 0.6  # of a digit's height: what is as tall is no loose stroke
_SMALL = 0.45  # of the usual height: what is lower is a point, a comma, a dash or dirt
_LIGHT = 0.12  # of the usual weight
_HIGH, _WIDE = 1.9, 9.0  # of the usual height: larger marks are no digits and no row of touching ones
_FRAMED = 1.2  # of a digit's height, from which a mark that the frame cuts is an edge of the page
_FULL = 0.85  # of its box: a block of ink

Boxes = NDArray[np.int32]  # [N, 4]: top, left, bottom, right


@dataclass(frozen=True)
class Piece:
    """A digit: its box, its ink 0..1 in that box, and how tall digits are on its page, in pixels."""

    box: BoundingBox
    strokes: Ink
    usual: float


@dataclass(frozen=True)
class _Pieces:
    """Connected ink."""

    labels: NDArray[np.int32]  # [H, W], 0 is none
    boxes: Boxes
    weights: NDArray[np.float64]
    areas: NDArray[np.int32]


def usual_height(ink: Grey, spec: WritingSpec) -> float | None:
    """How tall digits are, in pixels: the median of what could be one, by weight. None where nothing could."""
    marks = _marks(ink, spec)
    heights, widths = _sizes(marks.boxes)
    could_be = (heights >= _LEAST_HEIGHT) & (heights < 0.9 * ink.shape[0]) & (widths <= 1.4 * heights)
    could_be &= (marks.areas > 0.1 * heights * widths) & (heights <= 10 * widths)
    could_be &= marks.weights > 0.1 * marks.weights[could_be].max(initial=0)
    if not could_be.any() or marks.weights[could_be].sum() < 0.15 * marks.weights.sum():
        return None
    return _median(heights[could_be], marks.weights[could_be])


def pieces(ink: Grey, spec: WritingSpec) -> list[Piece]:
    """The digits in ink 0..255 [H, W], in no order."""
    marks = _marks(ink, spec)
    heights, widths = _sizes(marks.boxes)
    tall = (heights >= _LEAST_HEIGHT) & ~((widths > _WIDE * heights) | (heights > 12 * widths))
    tall &= marks.weights > 0.1 * marks.weights[tall].max(initial=0)
    if not tall.any():
        return []
    height = _median(heights[tall], marks.weights[tall])
    groups = _grouped(marks.boxes, height, _usable(marks, ink.shape, height))
    found = [_together(marks, group) for group in groups]
    bodies = [(box, group) for box, group in zip(found, groups, strict=True) if box.height > _SMALL * height]
    if not bodies:
        return []
    weights = np.array([marks.weights[group].sum() for _, group in bodies])
    usual = float(np.median(weights))
    kept = [body for body, weight in zip(bodies, weights, strict=True) if weight > _LIGHT * usual]
    mine = np.zeros(len(marks.boxes) + 1, bool)
    return [_piece(ink, marks.labels, body, mine, height) for body in _whole(kept, ink.shape)]


def _marks(ink: Grey, spec: WritingSpec) -> _Pieces:
    """The heaviest marks, which have strong ink. The frame's own corner is none."""
    found = components(ink, spec.weak, spec.strong, full=255)
    best = np.flatnonzero(found.strong[1:] > 0) + 1
    best = best[np.argsort(-found.weights[best])][:_MOST]
    renamed = np.zeros(len(found.weights), np.int32)
    renamed[best] = np.arange(1, len(best) + 1)
    stats = found.stats[best]
    boxes = np.stack([stats[:, 1], stats[:, 0], stats[:, 1] + stats[:, 3], stats[:, 0] + stats[:, 2]], axis=1)
    return _Pieces(renamed[found.labels], boxes, found.weights[best], stats[:, cv2.CC_STAT_AREA])


def _sizes(boxes: Boxes) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    return boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]


def _median(values: NDArray[np.int32], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _usable(marks: _Pieces, shape: tuple[int, ...], height: float) -> NDArray[np.bool_]:
    """Which marks may be a digit or a part of one."""
    heights, widths = _sizes(marks.boxes)
    cut = (marks.boxes[:, :2].min(1) <= 0) | (marks.boxes[:, 2] >= shape[0]) | (marks.boxes[:, 3] >= shape[1])
    edges = cut & (np.maximum(heights, widths) > _FRAMED * height)
    blocks = (marks.areas > _FULL * heights * widths) & (np.minimum(heights, widths) > 0.4 * height)
    dashes = (widths > 2.2 * heights) & (heights < _SMALL * height) & (widths > 0.9 * height)
    large = (heights > _HIGH * height) | (widths > _WIDE * height)
    heavy = marks.weights > 0.01 * np.median(marks.weights[heights > height / 2])
    return np.asarray(heavy & ~(edges | blocks | dashes | large | _frames(marks.boxes)))


def _frames(boxes: Boxes) -> NDArray[np.bool_]:
    """Which marks have another inside that is half as tall: no digit has, a printed box does."""
    if len(boxes) > _MOST_FRAMED:
        return np.zeros(len(boxes), bool)
    inner, outer = boxes[None], boxes[:, None]
    inside = (inner[..., :2] > outer[..., :2]).all(2) & (inner[..., 2:] < outer[..., 2:]).all(2)
    heights, _ = _sizes(boxes)
    return np.asarray((inside & (heights[None] > 0.5 * heights[:, None])).any(1))


def _grouped(boxes: Boxes, height: float, usable: NDArray[np.bool_]) -> list[list[int]]:
    """Marks that are one digit: a 5 may have its bar apart, a 4 its stem, a pen may skip."""
    at = {int(i): boxes[i].astype(np.int64) for i in np.flatnonzero(usable)}
    groups = {i: [i] for i in at}
    for _ in range(3):
        pairs = _pairs(np.array(list(at)), np.array(list(at.values())).reshape(-1, 4), height)
        gone: dict[int, int] = {}
        for i, j in pairs:
            i, j = _now(gone, i), _now(gone, j)
            union = np.concatenate([np.minimum(at[i][:2], at[j][:2]), np.maximum(at[i][2:], at[j][2:])])
            if i == j or union[2] - union[0] > 1.3 * height or union[3] - union[1] > 1.1 * height:
                continue
            at[i] = union
            groups[i] += groups.pop(j)
            del at[j]
            gone[j] = i
        if not gone:
            break
    return list(groups.values())


def _now(gone: dict[int, int], name: int) -> int:
    """The mark in which one that is gone has come to be."""
    while name in gone:
        name = gone[name]
    return name


def _pairs(names: NDArray[np.int64], boxes: NDArray[np.int64], height: float) -> list[tuple[int, int]]:
    """Pairs of marks that belong together, the nearest first."""
    if len(names) < 2:
        return []
    i, j = neighbours(boxes, _NEAR * height)
    apart = np.maximum(boxes[i, :2], boxes[j, :2]) - np.minimum(boxes[i, 2:], boxes[j, 2:])
    # [n, 2]: rows and columns between two marks, below 0 where they share some
    heights, widths = _sizes(np.asarray(boxes, np.int32))
    over = -apart[:, 1] / np.minimum(widths[i], widths[j])
    loose = np.minimum(heights[i], heights[j]) < _WHOLE * height
    near = apart.max(1)
    stacked = (over > _OVER) & (near <= _NEAR * height) & loose
    inside = (over > 0.75) & (near <= 0.5 * _NEAR * height)
    belong = np.flatnonzero(stacked | inside)
    order = belong[np.argsort(near[belong])]
    return list(zip(names[i[order]].tolist(), names[j[order]].tolist(), strict=True))


def neighbours(boxes: NDArray[np.int64], reach: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The places i < j of any two boxes that are no farther apart, in order."""
    order = np.argsort(boxes[:, 0])
    count = np.searchsorted(boxes[order, 0], boxes[order, 2] + reach, side="right") - np.arange(len(boxes)) - 1
    first = np.repeat(np.arange(len(boxes)), count)
    second = np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count) + first + 1  # those that begin below it
    one, other = order[first], order[second]
    near = np.maximum(boxes[one, 1], boxes[other, 1]) - np.minimum(boxes[one, 3], boxes[other, 3]) <= reach
    i, j = np.minimum(one[near], other[near]), np.maximum(one[near], other[near])
    sorted_ = np.lexsort((j, i))
    return i[sorted_], j[sorted_]


def _together(marks: _Pieces, group: list[int]) -> BoundingBox:
    low, high = marks.boxes[group, :2].min(0).tolist(), marks.boxes[group, 2:].max(0).tolist()
    return BoundingBox(low[0], low[1], high[0], high[1])


def _whole(found: list[tuple[BoundingBox, list[int]]], shape: tuple[int, ...]) -> list[tuple[BoundingBox, list[int]]]:
    """Those that the frame does not cut, where they are the most: what it cuts is the table beside the paper."""
    inside = [
        (box, group)
        for box, group in found
        if box.top > 0 and box.left > 0 and box.bottom < shape[0] and box.right < shape[1]
    ]
    return inside if 2 * len(inside) > len(found) else found


def _piece(
    ink: Grey, labels: NDArray[np.int32], body: tuple[BoundingBox, list[int]], mine: NDArray[np.bool_], height: float
) -> Piece:
    """A digit of a box and some marks. `mine` is False for every mark, before and after."""
    box, group = body
    part = slice(box.top, box.bottom), slice(box.left, box.right)
    names = np.array(group) + 1
    mine[names] = True
    strokes = np.where(mine[labels[part]], ink[part], 0).astype(np.float32) / np.float32(255)
    mine[names] = False
    return Piece(box, strokes, height)
