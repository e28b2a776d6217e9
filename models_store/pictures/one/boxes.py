"""Finds the boxes that forms print around digits: one, or a row of them, whole or cut by the frame."""

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]  # [H, W], 0 or 1
Plane = NDArray[np.float32]

_LEAST = 0.08  # of the picture's shorter side: no person sees what is written in smaller boxes
_SPARSE = 0.5  # of its hull: more ink is no outline
_CORNERED = 0.87  # of its hull, that four corners span: digits are round
_ROUNDED = (0.02, 0.03, 0.05, 0.08)  # of its outline, how far a corner may be rounded
_SIDE = 48  # pixels of a box's shorter side, once it stands upright
_STRAY = 4  # of these pixels, that a side strays from straight
_SOLID, _PARTS = 0.85, 0.92  # of a side is printed; and of a line that parts two boxes
_FRAME = 3  # pixels: a box whose side is so near to the picture's own goes on outside
_NARROW = 0.3  # of it: a narrower cell is a doubled line
_TALL, _HEAVY = 0.3, 0.01  # of a cell's side and area: what is less in it is dirt
_THICK = 0.4  # of a row is ink where it is still the line
_PIECES = 8  # of a line, which a lens bends


@dataclass(frozen=True)
class Boxes:
    """Boxes in which something is written: the corners [M, 4, 2] of the written ones, and pieces of the lines [N, 4]
    (x, y, x, y) of these and of the empty ones beside them."""

    corners: Plane
    lines: Plane


def boxes_of(mask: Mask) -> Boxes:
    """All boxes in a mask of ink in which something is written."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    least = _LEAST * min(mask.shape)
    found = [Boxes(np.empty((0, 4, 2), np.float32), np.empty((0, 4), np.float32))]
    for i in range(1, count):
        left, top, width, height, area = stats[i].tolist()
        if min(width, height) < least or area > _SPARSE * width * height:
            continue
        corners = _corners(np.asarray(labels[top : top + height, left : left + width] == i, np.uint8), area)
        if corners is None:
            continue
        row = _row(mask, np.asarray(labels == i, np.uint8), corners + np.array([left, top], np.float32))
        if row is not None:
            found.append(row)
    return Boxes(np.concatenate([one.corners for one in found]), np.concatenate([one.lines for one in found]))


def _corners(mark: Mask, area: int) -> Plane | None:
    """The four corners [4, 2] of a mark that is a quadrilateral, in their order; None for any other."""
    contours, _ = cv2.findContours(mark, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = cv2.convexHull(contours[0])
    span, around = cv2.contourArea(hull), cv2.arcLength(hull, True)
    if area > _SPARSE * span:
        return None
    for share in _ROUNDED:
        corners = cv2.approxPolyDP(hull, share * around, True)
        if len(corners) == 4:
            return corners.reshape(4, 2).astype(np.float32) if cv2.contourArea(corners) > _CORNERED * span else None
    return None


def _row(mask: Mask, mark: Mask, corners: Plane) -> Boxes | None:
    """The boxes of one mark with such corners; none where a side of it is open, or nothing is written in it."""
    there, (height, width) = _upright(corners)
    size = width + 2 * _STRAY + 1, height + 2 * _STRAY + 1
    shrinks = there[0, 0] ** 2 + there[0, 1] ** 2 < 1
    thick = cv2.dilate(mark, np.ones((3, 3), np.uint8)) if shrinks else mark  # that no line falls between two pixels
    printed, written = (
        np.asarray(cv2.warpPerspective(one, there, size, flags=cv2.INTER_NEAREST), np.uint8) for one in (thick, mask)
    )
    level, plumb = _across(printed), _across(printed.T)
    sides = (level, _STRAY), (plumb, width + _STRAY), (level, height + _STRAY), (plumb, _STRAY)
    missing = [not any(abs(place - side) <= _STRAY for place in places) for places, side in sides]
    on_frame = [_is_on_frame(corners[i], corners[(i + 1) % 4], mask.shape) for i in range(4)]
    if sum(on_frame) > 2 or not level or not plumb or any(a and not b for a, b in zip(missing, on_frame, strict=True)):
        return None
    printed_only = sorted(level), sorted(plumb)
    for (places, side), cut in zip(sides, missing, strict=True):
        if cut:
            places.append(side)
    # Two sides that the frame cuts are known of no single box: a row of them has boxes with four.
    known = printed_only if sum(missing) > 1 else (sorted(level), sorted(plumb))
    if min(map(len, (level, plumb))) > 2:
        return None  # squared paper
    for rest, lines, places in ((written, printed, level), (written.T, printed.T, plumb)):
        for place in places:
            reach = _reach(lines, place)
            rest[max(0, place - reach) : place + reach + 1] = 0
    cells = [
        [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
        for (y0, y1), (x0, x1) in itertools.product(*map(itertools.pairwise, known))
        if _is_written(written[y0:y1, x0:x1])
    ]
    if not cells:
        return None
    pieces = [_bent(printed, y) for y in level] + [_bent(printed.T, x)[:, ::-1] for x in plumb]
    back = np.linalg.inv(there)
    points = cv2.perspectiveTransform(np.concatenate(pieces)[None], back).reshape(-1, _PIECES + 1, 2)
    lines = np.concatenate([points[:, :-1], points[:, 1:]], axis=2).reshape(-1, 4)
    found = cv2.perspectiveTransform(np.array(cells, np.float32).reshape(1, -1, 2), back).reshape(-1, 4, 2)
    return Boxes(np.asarray(found, np.float32), np.asarray(lines, np.float32))


def _upright(corners: Plane) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """The way [3, 3] to where the corners span a rectangle, `_STRAY` pixels off the edges, and its height and width."""
    wide, tall = (float(np.linalg.norm(np.roll(corners, -1, 0) - corners, axis=1)[i::2].mean()) for i in (0, 1))
    width, height = round(_SIDE * wide / min(wide, tall)), round(_SIDE * tall / min(wide, tall))
    square = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) + np.float32(_STRAY)
    return np.asarray(cv2.getPerspectiveTransform(corners, square)), (height, width)


def _is_written(cell: Mask) -> bool:
    """Whether something large enough for a digit is in a cell without its lines."""
    if min(cell.shape) < _NARROW * _SIDE:
        return False
    _, _, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(cell), connectivity=8)
    sizes = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1, initial=0)
    return bool((sizes > _TALL * min(cell.shape)).any() and cell.mean() > _HEAVY)


def _is_on_frame(a: Plane, b: Plane, shape: tuple[int, ...]) -> bool:
    height, width = shape
    return bool(
        max(a[0], b[0]) < _FRAME
        or max(a[1], b[1]) < _FRAME
        or min(a[0], b[0]) >= width - _FRAME
        or min(a[1], b[1]) >= height - _FRAME
    )


def _across(upright: Mask) -> list[int]:
    """The rows of an upright box that are printed from side to side: its own sides stray, lines within do so less."""
    sides, parting = (
        np.asarray(cv2.dilate(upright, np.ones((reach, 1), np.uint8)))[:, off : -off - 1].mean(1) > least
        for reach, off, least in ((2 * _STRAY - 1, 2 * _STRAY, _SOLID), (_STRAY, _STRAY + 1, _PARTS))
    )
    ends = 2 * _STRAY + 1
    solid = np.concatenate([sides[:ends], parting[ends:-ends], sides[-ends:]])
    edges = np.flatnonzero(np.diff(solid.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    return [int(start + end - 1) // 2 for start, end in edges]


def _reach(upright: Mask, place: int) -> int:
    """How far from its row a line's ink goes, straying included."""
    rows = upright[max(0, place - 2 * _STRAY) : place + 2 * _STRAY + 1]
    return max(_STRAY, int((rows.mean(1) > _THICK).sum() + 1) // 2 + 2)


def _bent(upright: Mask, place: int) -> Plane:
    """Points (x, y) along the line near a row, from side to side: where its ink is."""
    band = upright[max(0, place - _STRAY) : place + _STRAY + 1]
    ends = np.linspace(_STRAY, upright.shape[1] - 1 - _STRAY, _PIECES + 1)
    rows = []
    for x in ends.round().astype(int).tolist():
        y = np.nonzero(band[:, max(0, x - _STRAY) : x + _STRAY + 1])[0]  # in order
        rows.append(max(0, place - _STRAY) + int(y[len(y) // 2]) if len(y) else place)
    return np.stack([ends, rows], axis=1).astype(np.float32)
