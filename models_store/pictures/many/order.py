"""From boxes of digits to lines and numbers in reading order."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from models_store.pictures.marks import BoundingBox

_OFF = 0.55  # of the taller one's height: digits of one line are less far above or below each other
_NEXT = 3.0  # of a digit's height: the neighbour from which a line's slope is taken is no farther
_ASIDE = 0.25  # of a digit's height: digits do not stand on a line exactly
_STEEPEST = math.tan(math.radians(13))
_RECENT = 3  # digits that say where a line goes on
_GAP = 0.45  # of a digit's height: what a gap between numbers is larger than the usual one, at least
_PITCH = 1.5  # and times the usual distance from middle to middle


def lines_of(boxes: Sequence[BoundingBox]) -> list[list[list[int]]]:
    """Lines from top to bottom, in each its numbers from left to right, in each the places of its digits in `boxes`.

    A line may climb or fall by up to 13 degrees.
    """
    if not boxes:
        return []
    slope = _slope(boxes)
    lines: list[list[int]] = []
    for i in sorted(range(len(boxes)), key=lambda i: boxes[i].left + boxes[i].right):
        off = [(_off(boxes, line, i, slope), line) for line in lines]
        nearest = min(off, key=lambda pair: pair[0], default=None)
        if nearest is not None and nearest[0] < _OFF:
            nearest[1].append(i)
        else:
            lines.append([i])
    lines.sort(key=lambda line: float(np.mean([_middle(boxes[i])[1] - slope * _middle(boxes[i])[0] for i in line])))
    usual = _usual(boxes, lines)
    return [_numbers(boxes, line, usual) for line in lines]


def around(boxes: Sequence[BoundingBox]) -> BoundingBox:
    """The smallest box with all of them inside."""
    return BoundingBox(
        min(box.top for box in boxes), min(box.left for box in boxes),
        max(box.bottom for box in boxes), max(box.right for box in boxes),
    )  # fmt: skip


def _middle(box: BoundingBox) -> tuple[float, float]:
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


def _slope(boxes: Sequence[BoundingBox]) -> float:
    """How far lines fall per pixel to the right: the median over each digit's nearest neighbour on its right."""
    middles = np.array([_middle(box) for box in boxes])
    heights = np.array([box.height for box in boxes])[:, None]
    dx, dy = (middles[None, :, axis] - middles[:, None, axis] for axis in (0, 1))
    beside = (dx > 0) & (dx < _NEXT * heights) & (np.abs(dy) < _STEEPEST * dx + _ASIDE * heights)
    nearest = np.where(beside, dx, np.inf).argmin(1)
    rows = np.flatnonzero(beside.any(1))
    if len(rows) < 2:
        return 0.0
    runs, falls = dx[rows, nearest[rows]], dy[rows, nearest[rows]]
    order = np.argsort(falls / runs)
    total = np.cumsum(runs[order])
    median = order[np.searchsorted(total, total[-1] / 2)]
    return float(np.clip(falls[median] / runs[median], -_STEEPEST, _STEEPEST))


def _off(boxes: Sequence[BoundingBox], line: list[int], i: int, slope: float) -> float:
    """How far a digit lies above or below where the line goes on, in heights of the taller one."""
    recent = line[-_RECENT:]
    x, y = _middle(boxes[i])
    there = [_middle(boxes[j]) for j in recent]
    goes_on = float(np.mean([v + slope * (x - u) for u, v in there]))
    height = max(boxes[i].height, *(boxes[j].height for j in recent))
    return abs(y - goes_on) / height


@dataclass(frozen=True)
class _Usual:
    """Between neighbours of one number, in heights of a digit."""

    gap: float
    pitch: float


def _between(boxes: Sequence[BoundingBox], line: list[int]) -> tuple[list[float], list[float]]:
    """Gaps, and distances from middle to middle, of neighbours in a line, in heights of its digits."""
    height = float(np.median([boxes[i].height for i in line]))
    pairs = [(boxes[i], boxes[j]) for i, j in pairwise(line)]
    gaps = [(right.left - left.right) / height for left, right in pairs]
    return gaps, [(_middle(right)[0] - _middle(left)[0]) / height for left, right in pairs]


def _usual(boxes: Sequence[BoundingBox], lines: list[list[int]]) -> _Usual:
    between = [_between(boxes, line) for line in lines]
    gaps, pitches = [gap for pair in between for gap in pair[0]], [pitch for pair in between for pitch in pair[1]]
    if len(gaps) < 2:
        return _Usual(0.5, 1.2)
    return _Usual(float(np.percentile(gaps, 40)), float(np.percentile(pitches, 40)))


def _numbers(boxes: Sequence[BoundingBox], line: list[int], usual: _Usual) -> list[list[int]]:
    numbers = [[line[0]]]
    gaps, pitches = _between(boxes, line)
    if len(gaps) > 2:
        usual = _Usual(float(np.percentile(gaps, 40)), float(np.percentile(pitches, 40)))
    for i, gap, pitch in zip(line[1:], gaps, pitches, strict=True):
        if gap > usual.gap + _GAP and pitch > _PITCH * usual.pitch:
            numbers.append([])
        numbers[-1].append(i)
    return numbers
