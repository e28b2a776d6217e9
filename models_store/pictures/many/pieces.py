"""From the ink of a whole page to its digits: what is one digit, what is none, and what may be two that touch.

`order` reads the boxes that it finds.
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
_PERHAPS, _TOUCHING = 0.75, 1.25  # of a digit's height: few single digits are wider, and none
_SLANTS = (0.0, 0.25, 0.5, -0.25)  # of a cut: pixels to the left for each one down
_TWO = 0.75  # of a digit's height: two that touch are at least as wide apart
_FRAMED = 1.2  # of a digit's height, from which a mark that the frame cuts is an edge of the page
_FULL = 0.85  # of its box: a block of ink

Boxes = NDArray[np.int32]  # [N, 4]: top, left, bottom, right


@dataclass(frozen=True)
class Piece:
    """A digit: its box, its ink 0..1 in that box, and whether it is too wide to be one only, so that two may touch.

    `parts` are what it falls into where it is wide: a reader says whether they or the whole are digits.
    """

    box: BoundingBox
    strokes: Ink
    touching: bool = False
    parts: tuple["Piece", ...] = ()


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
    return [_cut(_piece(ink, marks.labels, box, group), height) for box, group in _whole(kept, ink.shape)]


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
            i, j = gone.get(i, i), gone.get(j, j)
            union = np.concatenate([np.minimum(at[i][:2], at[j][:2]), np.maximum(at[i][2:], at[j][2:])])
            if i == j or union[2] - union[0] > 1.3 * height or union[3] - union[1] > 1.1 * height:
                continue
            at[i] = union
            groups[i] += groups.pop(j)
            del at[j]
            gone = {old: i if new == j else new for old, new in gone.items()} | {j: i}
        if not gone:
            break
    return list(groups.values())


def _pairs(names: NDArray[np.int64], boxes: NDArray[np.int64], height: float) -> list[tuple[int, int]]:
    """Pairs of marks that belong together, the nearest first."""
    if len(names) < 2:
        return []
    low, high = np.maximum(boxes[:, None, :2], boxes[None, :, :2]), np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    apart = low - high  # [N, N, 2]: rows and columns between two marks, below 0 where they share some
    heights, widths = _sizes(np.asarray(boxes, np.int32))
    narrower = np.minimum(widths[:, None], widths[None])
    shorter = np.minimum(heights[:, None], heights[None])
    over = -apart[..., 1] / narrower
    loose = shorter < _WHOLE * height
    near = apart.max(2)
    stacked = (over > _OVER) & (near <= _NEAR * height) & loose
    inside = (over > 0.75) & (near <= 0.5 * _NEAR * height)
    i, j = np.nonzero(np.triu(stacked | inside, 1))
    order = np.argsort(near[i, j])
    return [(int(names[i[k]]), int(names[j[k]])) for k in order]


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


def _piece(ink: Grey, labels: NDArray[np.int32], box: BoundingBox, group: list[int]) -> Piece:
    part = slice(box.top, box.bottom), slice(box.left, box.right)
    mine = np.isin(labels[part], np.array(group) + 1)
    return Piece(box, np.where(mine, ink[part], 0).astype(np.float32) / np.float32(255))


def _cut(piece: Piece, height: float) -> Piece:
    """The same with its parts, where it is wide: cut where the least ink is crossed, upright or slanted."""
    own, (tall, width) = max(height, piece.box.height), piece.strokes.shape
    if width <= _PERHAPS * own:
        return piece
    count = max(2, round(width / (_TWO * height)))
    step = width / count
    y, x = np.mgrid[:tall, :width].astype(np.float32)
    parts, rest = [], piece.strokes
    for i in range(1, count):
        slant, place = min(_crossed(rest, slant, i * step, 0.3 * step, height) for slant in _SLANTS)[1:]
        left = x + slant * (y - tall / 2) < place
        parts.append(_part(piece.box, np.where(left, rest, 0).astype(np.float32)))
        rest = np.where(left, 0, rest).astype(np.float32)
    parts.append(_part(piece.box, rest))
    return Piece(piece.box, piece.strokes, width > _TOUCHING * own, tuple(part for part in parts if part is not None))


def _crossed(strokes: Ink, slant: float, middle: float, reach: float, height: float) -> tuple[float, float, float]:
    """The least ink that a slanted cut near `middle` crosses, the slant, and where; farther off costs more."""
    tall, width = strokes.shape
    there = np.array([[1, slant, -slant * tall / 2], [0, 1, 0]], np.float32)
    columns = cv2.warpAffine(strokes, there, (width, tall)).sum(0)
    places = np.arange(max(1, round(middle - reach)), min(width - 1, round(middle + reach)) + 1)
    cost = columns[places] + 0.1 * height * np.abs(places - middle) / reach + 0.1 * height * abs(slant)
    best = int(cost.argmin())
    return float(cost[best]), slant, float(places[best])


def _part(box: BoundingBox, strokes: Ink) -> Piece | None:
    """What of the strokes in a box is left of it; None where that is nothing."""
    rows, columns = np.flatnonzero(strokes.any(1)), np.flatnonzero(strokes.any(0))
    if not len(rows):
        return None
    inner = strokes[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    top, left = box.top + int(rows[0]), box.left + int(columns[0])
    return Piece(BoundingBox(top, left, top + inner.shape[0], left + inner.shape[1]), inner, touching=True)
