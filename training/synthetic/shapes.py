"""Digits in shapes that people write and MNIST hardly has, for a net to learn: ones with a long flag, crossed sevens,
closed fours, zeros with a slash, nines with a hook, twos with a loop. Plain ones are among them, so that being drawn
tells nothing.
"""

from collections.abc import Callable

import numpy as np
import torch

from models_store.pictures.layout import centred
from training.data.rows import Rows
from training.synthetic.strokes import Grey, Point, Strokes, digit

_SIDE = 28
_CURVE, _LINES = True, False


def rows(count: int, seed: int) -> Rows:
    """So many drawings in MNIST's layout with their labels: the same for the same seed."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(list(_SHARES), count, p=list(_SHARES.values()))
    drawn = [_picture(label, rng)[None] for label in labels.tolist()]
    pictures = np.stack(drawn) if drawn else np.empty((0, 1, _SIDE, _SIDE), np.uint8)
    return Rows(torch.from_numpy(pictures), torch.from_numpy(labels.astype(np.int64)))


def _picture(label: int, rng: np.random.Generator) -> Grey:
    shape, pen = _SHAPES[label](rng), float(rng.uniform(0.05, 0.17))
    return centred(digit(label, 40, rng, pen, shape), _SIDE, _SIDE)


def _one(rng: np.random.Generator) -> Strokes:
    """A flag of any length that falls away from the stem: never level, as the bar of a 7 is."""
    x, lean = rng.uniform(0.45, 0.65), rng.uniform(-0.08, 0.08)
    top, bottom = (x + lean, 0.05), (x - lean, 0.95)
    long, fall = rng.uniform(0.1, 0.62), np.radians(rng.uniform(28, 68))  # from level downwards
    tip = (top[0] - long * np.cos(fall), top[1] + long * np.sin(fall))
    strokes: Strokes = [(_LINES, [tip, top, bottom])]
    if rng.random() < 0.25:
        strokes = [(_CURVE, [tip, _between(tip, top, 0.5, rng.uniform(0.0, 0.06)), top]), (_LINES, [top, bottom])]
    if rng.random() < 0.3:
        half = rng.uniform(0.1, 0.3)
        strokes.append((_LINES, [(bottom[0] - half, 0.95), (bottom[0] + half, 0.95)]))
    return strokes


def _seven(rng: np.random.Generator) -> Strokes:
    """A level bar, often crossed, sometimes with a hook at its beginning."""
    left, right = (rng.uniform(0.12, 0.28), rng.uniform(0.04, 0.16)), (rng.uniform(0.7, 0.86), rng.uniform(0.04, 0.1))
    bottom = (right[0] - rng.uniform(0.08, 0.5), 0.95)
    bar = [left, right, bottom]
    if rng.random() < 0.3:
        bar = [(left[0] - 0.02, left[1] + rng.uniform(0.08, 0.2)), *bar]
    strokes: Strokes = [(_LINES, bar)]
    if rng.random() < 0.6:
        x, y = _between(right, bottom, rng.uniform(0.4, 0.6))
        half, slope = rng.uniform(0.12, 0.26), rng.uniform(-0.3, 0.1)
        strokes.append((_LINES, [(x - half, y - slope * half), (x + half, y + slope * half)]))
    return strokes


def _four(rng: np.random.Generator) -> Strokes:
    """Closed to a triangle in one go, or open above with a stem of its own."""
    stem, level = rng.uniform(0.58, 0.72), rng.uniform(0.52, 0.7)
    left, right = rng.uniform(0.1, 0.26), rng.uniform(0.76, 0.92)
    if rng.random() < 0.6:
        return [(_LINES, [(stem, 0.95), (stem + rng.uniform(-0.02, 0.06), 0.05), (left, level), (right, level)])]
    return [
        (_LINES, [(left + rng.uniform(0.02, 0.2), 0.05), (left, level), (right, level)]),
        (_LINES, [(stem, rng.uniform(0.05, 0.4)), (stem - 0.03, 0.95)]),
    ]


def _zero(rng: np.random.Generator) -> Strokes:
    """A loop, mostly with a slash of either direction, which may stick out."""
    wide = rng.uniform(0.2, 0.34)
    angles = -np.pi / 2 - np.linspace(0, 2 * np.pi * rng.uniform(0.97, 1.05), 9)
    strokes: Strokes = [(_CURVE, [(0.5 + wide * np.cos(a), 0.5 + 0.46 * np.sin(a)) for a in angles])]
    if rng.random() < 0.7:
        reach, way = rng.uniform(0.6, 1.25), 1 if rng.random() < 0.8 else -1
        x, y = reach * wide * rng.uniform(0.7, 1.1), reach * 0.46 * rng.uniform(0.6, 0.9)
        strokes.append((_LINES, [(0.5 + way * x, 0.5 - y), (0.5 - way * x, 0.5 + y)]))
    return strokes


def _two(rng: np.random.Generator) -> Strokes:
    """Its foot begins with a loop of any size, or with none."""
    loop, foot = rng.uniform(0.0, 0.2), rng.uniform(0.78, 0.9)
    head: list[Point] = [(0.22, rng.uniform(0.18, 0.3)), (0.48, 0.05), (0.76, 0.24), (0.58, 0.58), (0.28, 0.9)]
    return [
        (_CURVE, [*head, (0.28 - loop / 2, 0.9 - loop / 2), (0.3 + loop / 2, 0.9 - loop), (0.55, 0.88), (foot, 0.86)])
    ]


def _nine(rng: np.random.Generator) -> Strokes:
    """A loop with a straight stem, or with one that ends in a hook."""
    loop: list[Point] = [(0.74, 0.24), (0.5, 0.05), (0.26, 0.27), (0.48, rng.uniform(0.42, 0.54)), (0.74, 0.24)]
    if rng.random() < 0.5:
        return [(_CURVE, loop), (_LINES, [(0.74, 0.22), (rng.uniform(0.56, 0.78), 0.95)])]
    hook: list[Point] = [
        (0.74, 0.66),
        (rng.uniform(0.48, 0.6), 0.95),
        (rng.uniform(0.2, 0.36), rng.uniform(0.78, 0.92)),
    ]
    return [(_CURVE, [*loop, *hook])]


def _between(a: Point, b: Point, share: float, aside: float = 0.0) -> Point:
    """On the line from `a` to `b`, or so far beside it."""
    return a[0] + share * (b[0] - a[0]) + aside, a[1] + share * (b[1] - a[1]) + aside


_SHAPES: dict[int, Callable[[np.random.Generator], Strokes]] = {
    0: _zero, 1: _one, 2: _two, 4: _four, 7: _seven, 9: _nine,
}  # fmt: skip
_SHARES = {0: 0.15, 1: 0.35, 2: 0.08, 4: 0.12, 7: 0.22, 9: 0.08}  # most where most is to be learned
