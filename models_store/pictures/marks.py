"""Marks: connected ink, and which of them are the digit. It knows no colours and no layout."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models_store.pictures.ground import Ink
from models_store.specs import WritingSpec

_RIVAL_SIZE = 0.4  # of the digit's size, from which another mark is one too
_TALL = 0.6  # of the whole's height, from which a part may be a digit by itself
_STEEP = 0.3  # of the darkest ink, within three pixels


Weights = NDArray[Any]


@dataclass(frozen=True)
class Box:
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
    box: Box
    several: bool
    clarity: float  # how plainly it is the one thing that was written, 0..1


def marks_of(ink: Ink, spec: WritingSpec) -> Marks | None:
    """The main mark of ink 0..1 [h, w] with all that belongs to it; None where there is no strong ink.

    Hysteresis (Canny 1986): weak pixels count where they touch strong ones.
    """
    count, found, table, _ = cv2.connectedComponentsWithStats((ink > spec.weak).astype(np.uint8), connectivity=8)
    labels, stats = np.asarray(found, np.int32), np.asarray(table, np.int32)
    strong = np.bincount(labels[ink > spec.strong], minlength=count)
    weight = np.bincount(labels.ravel(), weights=ink.ravel(), minlength=count)
    weight[0] = 0.0
    whole = float(weight.sum())
    weight[strong == 0] = 0.0
    if weight.max() <= 0:
        return None
    likely = np.multiply(_central(stats, ink.shape), _sharp(ink, labels, count))
    main = int(np.argmax(weight * likely))
    mine = _gathered(main, weight, stats, spec)
    kept = np.zeros(count, bool)
    kept[mine] = True
    tops, lefts = stats[mine, cv2.CC_STAT_TOP], stats[mine, cv2.CC_STAT_LEFT]
    box = Box(
        int(tops.min()), int(lefts.min()),
        int((tops + stats[mine, cv2.CC_STAT_HEIGHT]).max()), int((lefts + stats[mine, cv2.CC_STAT_WIDTH]).max()),
    )  # fmt: skip
    clarity = float(likely[main] * weight[mine].sum() / whole)
    return Marks(kept[labels], box, _several(mine, weight, stats, box, spec), clarity)


def _central(stats: NDArray[np.int32], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """How near each mark is to the middle, 0.5 in a corner to 1."""
    height, width = shape
    x = (stats[:, cv2.CC_STAT_LEFT] + stats[:, cv2.CC_STAT_WIDTH] / 2) / width - 0.5
    y = (stats[:, cv2.CC_STAT_TOP] + stats[:, cv2.CC_STAT_HEIGHT] / 2) / height - 0.5
    return np.asarray(1 - (x**2 + y**2))


def _sharp(ink: Ink, labels: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    """How sharp each mark's outline is all around, 0..1: a pen's is; a shadow's is not, nor where the frame cuts it."""
    kernel = np.ones((3, 3), np.uint8)
    slope = cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, kernel)
    inner = cv2.erode((labels > 0).astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    outline = np.flatnonzero(inner.ravel() == 0)
    edge = labels.ravel()[outline]
    steep = np.bincount(edge, weights=slope.ravel()[outline] > _STEEP, minlength=count)
    return np.asarray((steep / np.maximum(np.bincount(edge, minlength=count), 1)) ** 3)


def _gathered(main: int, weight: Weights, stats: NDArray[np.int32], spec: WritingSpec) -> list[int]:
    """The main mark and those near it that are no dirt: a 5 may have its bar apart, a pen may skip."""
    boxes = np.stack([stats[:, cv2.CC_STAT_TOP], stats[:, cv2.CC_STAT_LEFT]] * 2, axis=1)
    boxes[:, 2] += stats[:, cv2.CC_STAT_HEIGHT]
    boxes[:, 3] += stats[:, cv2.CC_STAT_WIDTH]
    reach = spec.near * float(max(stats[main, cv2.CC_STAT_HEIGHT], stats[main, cv2.CC_STAT_WIDTH]))
    mine, box = [main], boxes[main]
    free = np.flatnonzero(weight > spec.speck * weight[main])
    while True:
        free = free[~np.isin(free, mine)]
        apart = np.maximum(boxes[free, :2] - box[2:], box[:2] - boxes[free, 2:]).max(1, initial=-1)
        near = free[apart <= reach]
        if not len(near):
            return mine
        mine += near.tolist()
        box = np.concatenate([boxes[mine, :2].min(0), boxes[mine, 2:].max(0)])


def _several(mine: list[int], weight: Weights, stats: NDArray[np.int32], box: Box, spec: WritingSpec) -> bool:
    """Whether another mark is as heavy as a digit, or two of the gathered ones stand side by side as two digits do."""
    heavy = np.flatnonzero(weight > spec.rival * weight[mine[0]]).tolist()
    size = max(box.height, box.width)
    sizes = stats[:, [cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH]].max(1)
    if any(sizes[i] > _RIVAL_SIZE * size for i in heavy if i not in mine):
        return True
    tall = [i for i in heavy if i in mine and stats[i, cv2.CC_STAT_HEIGHT] > _TALL * box.height]
    lefts, widths = stats[tall, cv2.CC_STAT_LEFT], stats[tall, cv2.CC_STAT_WIDTH]
    order = np.argsort(lefts)
    return bool((lefts[order][1:] >= (lefts + widths)[order][:-1]).any())
