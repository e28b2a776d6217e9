"""Marks: connected ink, and which of them are the digit."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models_store.pictures.ground import Ink
from models_store.pictures.hysteresis import components
from models_store.preparation import WritingSpec

_RIVAL_SIZE = 0.4  # of the digit's size, from which another mark is one too
_TALL = 0.6  # of the whole's height, from which a part may be a digit by itself
_FULL, _ROUND, _BLOT = 0.7, 0.6, 0.1  # of its box; of its longer side; how likely a blot is meant
_SPARSE, _FRAME, _HELD, _BAND, _ALONG = 0.35, 0.1, 0.1, 0.12, 0.6  # of a box around a digit
_BAR, _BAR_SIZE = 0.2, 0.6  # of a bar's length; of the digit's size
_ALL = 6  # power of the share of a mark's outline that is steep
_AROUND = np.ones((3, 3), np.uint8)
_ALIKE = 0.2  # times as plain as the main mark must be what belongs to it: a shadow beside it does not
_CUT, _CUT_EVEN = 6, 1  # powers of the share of a mark's outline that the frame does not cut
_SOFT = 7  # pixels: the edge of what is left out is left out too
_STEEP = 0.4  # of the darkest ink, within three pixels


Weights = NDArray[Any]


@dataclass(frozen=True)
class BoundingBox:
    """A part of a picture, in pixels; `bottom` and `right` are just outside."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left


@dataclass(frozen=True)
class Marks:
    """The digit's pixels, its box, and whether another mark could be meant as well."""

    kept: NDArray[np.bool_]
    frames: NDArray[np.bool_]  # the pixels of printed boxes around something
    box: BoundingBox
    several: bool
    clarity: float  # how plain it is, times its share of all that is: 1 for the one thing that was written


def marks_of(ink: Ink, slope: Ink, spec: WritingSpec, even: bool = False) -> Marks | None:
    """The main mark of ink 0..1 [h, w] with all that belongs to it; None where there is no strong ink.

    `slope` is how much the picture's brightness changes around each pixel, as a share of the ink's contrast. `even`
    says that the frame is bare but for ink, so that what it cuts is no table.
    """
    found = components(ink, spec.weak, spec.strong)
    labels, stats, weight, strong, count = found.labels, found.stats, found.weights, found.strong, len(found.weights)
    frames = _frames(labels, stats, weight)
    weight[frames] = 0.0
    if not (weight[strong > 0] > 0).any():
        return None
    likely = np.multiply(
        _central(stats, ink.shape), _sharp(slope, labels, count, _CUT_EVEN if even else _CUT)
    ) * np.where(_dots(stats), _BLOT, 1.0)
    heavy = np.sqrt(weight) * (strong > 0)
    meant = heavy * likely  # a table is heavy, and is not what was meant
    main = int(np.argmax(meant if meant.any() else heavy))  # where nothing has an edge, nothing is plain either
    size = float(max(stats[main, cv2.CC_STAT_HEIGHT], stats[main, cv2.CC_STAT_WIDTH]))
    own = (likely > _ALIKE * likely[main]) & ~_lines(stats, size)
    mine = _gathered(main, np.where(own, weight, 0), stats, spec.near * size, spec.speck * weight[main])
    kept = np.zeros(count, bool)
    kept[mine] = True
    tops, lefts = stats[mine, cv2.CC_STAT_TOP], stats[mine, cv2.CC_STAT_LEFT]
    box = BoundingBox(
        int(tops.min()), int(lefts.min()),
        int((tops + stats[mine, cv2.CC_STAT_HEIGHT]).max()), int((lefts + stats[mine, cv2.CC_STAT_WIDTH]).max()),
    )  # fmt: skip
    plain = weight * likely
    clarity = float(plain[mine].sum() ** 2 / max(weight[mine].sum() * plain.sum(), 1e-9))
    several = _several(mine, np.where(_lines(stats, size), 0, plain), stats, box, spec)
    return Marks(kept[labels], np.isin(labels, frames), box, several, clarity)


def inner(ink: Ink, spec: WritingSpec) -> Ink:
    """The ink without what the frame cuts and without blots: the corner of a table or the hole of a sheet is darker
    than a pencil, whose ink would not count beside it."""
    _, found, table, _ = cv2.connectedComponentsWithStats((ink > spec.weak).astype(np.uint8), connectivity=8)
    labels, stats = np.asarray(found, np.int32), np.asarray(table, np.int32)
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    right, bottom = left + stats[:, cv2.CC_STAT_WIDTH], top + stats[:, cv2.CC_STAT_HEIGHT]
    cut = (left == 0) | (top == 0) | (right == ink.shape[1]) | (bottom == ink.shape[0])
    foreign = cut | _dots(stats)
    foreign[0] = False
    around = cv2.dilate(foreign[labels].astype(np.uint8), np.ones((_SOFT, _SOFT), np.uint8))
    return np.where(around == 1, np.float32(0), ink)


def _central(stats: NDArray[np.int32], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """How near each mark is to the middle, 0.5 in a corner to 1."""
    height, width = shape
    x = (stats[:, cv2.CC_STAT_LEFT] + stats[:, cv2.CC_STAT_WIDTH] / 2) / width - 0.5
    y = (stats[:, cv2.CC_STAT_TOP] + stats[:, cv2.CC_STAT_HEIGHT] / 2) / height - 0.5
    return np.asarray(1 - (x**2 + y**2))


def _sharp(slope: Ink, labels: NDArray[np.int32], count: int, power: int) -> NDArray[np.float64]:
    """How sharp each mark's outline is all around, 0..1: a pen's is, a shadow's is not; and how little of it the frame
    cuts, as it does a table's or another sheet's."""
    inner = cv2.erode((labels > 0).astype(np.uint8), _AROUND, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    outline = np.flatnonzero(inner.ravel() == 0)
    edge = labels.ravel()[outline]
    length = np.maximum(np.bincount(edge, minlength=count), 1)
    steep = np.bincount(edge, weights=slope.ravel()[outline] > _STEEP, minlength=count)
    frame = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    cut = np.bincount(frame, minlength=count)
    return np.asarray((steep / np.maximum(length - cut, 1)).clip(0, 1) ** _ALL * (1 - cut / length).clip(0, 1) ** power)


def _dots(stats: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which marks are round or square blots, such as the holes of a sheet: a digit fills less of its box."""
    w, h, area = (stats[:, i] for i in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA))
    return np.asarray((area > _FULL * w * h) & (np.minimum(w, h) > _ROUND * np.maximum(w, h)))


def _frames(labels: NDArray[np.int32], stats: NDArray[np.int32], weight: Weights) -> list[int]:
    """Marks that are boxes around something written: most of their ink lies along the sides of a rectangle."""
    found = []
    x, y, w, h, area = (stats[:, i] for i in range(5))
    large = np.flatnonzero((weight > 0) & (area < _SPARSE * w * h) & (np.minimum(w, h) > _FRAME * min(labels.shape)))
    for i in large.tolist():
        inside = (x > x[i]) & (y > y[i]) & (x + w < x[i] + w[i]) & (y + h < y[i] + h[i])
        if weight[inside].max(initial=0) < _HELD * weight[i]:
            continue
        points = np.argwhere(labels[y[i] : y[i] + h[i], x[i] : x[i] + w[i]] == i)[:, ::-1].astype(np.float32)
        middle, sides, angle = cv2.minAreaRect(points)
        turn = np.radians(angle)
        x_off, y_off = (points - np.array(middle, np.float32)).T
        along, across = x_off * np.cos(turn) + y_off * np.sin(turn), y_off * np.cos(turn) - x_off * np.sin(turn)
        away = np.array(sides, np.float32) / 2 - np.abs(np.stack([along, across], axis=1))
        if (away.min(1) < _BAND * min(sides)).mean() > _ALONG:
            found.append(i)
    return found


def _lines(stats: NDArray[np.int32], size: float) -> NDArray[np.bool_]:
    """Which marks are level or upright bars about as long as the digit, which has `size`: a part of a printed box."""
    w, h = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    longer = np.maximum(w, h)
    return np.asarray((np.minimum(w, h) < _BAR * longer) & (longer > _BAR_SIZE * size))


def _gathered(main: int, weight: Weights, stats: NDArray[np.int32], reach: float, least: float) -> list[int]:
    """The main mark and those near it that are no dirt: a 5 may have its bar apart, a pen may skip.

    `reach` is the largest gap in pixels, `least` the weight from which a mark is no dirt.
    """
    boxes = np.stack([stats[:, cv2.CC_STAT_TOP], stats[:, cv2.CC_STAT_LEFT]] * 2, axis=1)
    boxes[:, 2] += stats[:, cv2.CC_STAT_HEIGHT]
    boxes[:, 3] += stats[:, cv2.CC_STAT_WIDTH]
    mine, box = [main], boxes[main]
    free = np.flatnonzero(weight > least)
    while True:
        free = free[~np.isin(free, mine)]
        apart = np.maximum(boxes[free, :2] - box[2:], box[:2] - boxes[free, 2:]).max(1, initial=-1)
        near = free[apart <= reach]
        if not len(near):
            return mine
        mine += near.tolist()
        box = np.concatenate([boxes[mine, :2].min(0), boxes[mine, 2:].max(0)])


def _several(mine: list[int], plain: Weights, stats: NDArray[np.int32], box: BoundingBox, spec: WritingSpec) -> bool:
    """Whether another mark is as heavy and as plain as a digit, or two of the gathered ones stand side by side."""
    heavy = np.flatnonzero(plain > spec.rival * plain[mine[0]]).tolist()
    size = max(box.height, box.width)
    sizes = stats[:, [cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH]].max(1)
    if any(_RIVAL_SIZE < sizes[i] / size < 1 / _RIVAL_SIZE for i in heavy if i not in mine):
        return True
    tall = [i for i in heavy if i in mine and stats[i, cv2.CC_STAT_HEIGHT] > _TALL * box.height]
    lefts, widths = stats[tall, cv2.CC_STAT_LEFT], stats[tall, cv2.CC_STAT_WIDTH]
    order = np.argsort(lefts)
    return bool((lefts[order][1:] >= (lefts + widths)[order][:-1]).any())
