"""From boxes of digits to lines and numbers in reading order."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models_store.pictures.marks import BoundingBox

_OFF = 0.55  # of the taller one's height: digits of one line are less far above or below each other
_NEXT = 3.0  # of a digit's height: the neighbour from which a line's slope is taken is no farther
_ASIDE = 0.25  # of a digit's height: digits do not stand on a line exactly
_STEEPEST = math.tan(math.radians(13))
_RECENT = 3  # digits that say where a line goes on
_GAP = 0.45  # of a digit's height: what a gap between numbers is larger than the usual one, at least
_PITCH = 1.5  # and times the usual distance from middle to middle

_BLOCK = 64  # digits that are compared with all others at a time

Levels = NDArray[np.float64]


def lines_of(boxes: Sequence[BoundingBox]) -> list[list[list[int]]]:
    """Lines from top to bottom, in each its numbers from left to right, in each the places of its digits in `boxes`.

    A line may climb or fall by up to 13 degrees.
    """
    if not boxes:
        return []
    slope = _slope(boxes)
    lines = _gathered(boxes, slope)
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


def _gathered(boxes: Sequence[BoundingBox], slope: float) -> list[list[int]]:
    """The digits from left to right, each put into the line that goes on nearest to it, or into one of its own."""
    middles = np.array([_middle(box) for box in boxes])
    heights = np.array([box.height for box in boxes])
    lines: list[list[int]] = []
    ends = np.zeros((len(boxes), _RECENT, 3))  # of each line: x, y and height of its last digits; 0 where it has fewer
    counts = np.zeros(len(boxes))
    for i in sorted(range(len(boxes)), key=lambda i: boxes[i].left + boxes[i].right):
        off = _off(middles[i], heights[i], ends[: len(lines)], counts[: len(lines)], slope)
        nearest = int(off.argmin()) if len(lines) else 0
        if len(lines) and off[nearest] < _OFF:
            lines[nearest].append(i)
        else:
            nearest = len(lines)
            lines.append([i])
        if counts[nearest] == _RECENT:
            ends[nearest, :-1] = ends[nearest, 1:]
        else:
            counts[nearest] += 1
        ends[nearest, int(counts[nearest]) - 1] = *middles[i], heights[i]
    return lines


def _slope(boxes: Sequence[BoundingBox]) -> float:
    """How far lines fall per pixel to the right: the median over each digit's nearest neighbour on its right."""
    middles = np.array([_middle(box) for box in boxes])
    heights = np.array([box.height for box in boxes])
    found = [_beside(middles, heights, slice(first, first + _BLOCK)) for first in range(0, len(boxes), _BLOCK)]
    runs, falls = np.concatenate(found, axis=1)
    if len(runs) < 2:
        return 0.0
    order = np.argsort(falls / runs)
    total = np.cumsum(runs[order])
    median = order[np.searchsorted(total, total[-1] / 2)]
    return float(np.clip(falls[median] / runs[median], -_STEEPEST, _STEEPEST))


def _beside(middles: Levels, heights: NDArray[np.int64], some: slice) -> Levels:
    """How far to the right, and down, the nearest neighbour of some digits is [2, n]; of those that have one."""
    dx, dy = (middles[None, :, axis] - middles[some, None, axis] for axis in (0, 1))
    tall = heights[some, None]
    beside = (dx > 0) & (dx < _NEXT * tall) & (np.abs(dy) < _STEEPEST * dx + _ASIDE * tall)
    nearest = np.where(beside, dx, np.inf).argmin(1)
    rows = np.flatnonzero(beside.any(1))
    return np.stack([dx[rows, nearest[rows]], dy[rows, nearest[rows]]])


def _off(middle: Levels, height: int, ends: Levels, counts: Levels, slope: float) -> Levels:
    """How far a digit lies above or below where each line goes on [L], in heights of the taller one."""
    x, y, heights = ends[..., 0], ends[..., 1], ends[..., 2]
    there = np.where(heights > 0, y + slope * (middle[0] - x), 0)
    goes_on = there.sum(1) / counts
    return np.asarray(np.abs(middle[1] - goes_on) / np.maximum(heights.max(1, initial=0), height))


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
