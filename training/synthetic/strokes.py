"""Draws handwritten-looking digits from strokes of its own: for probes, examples and tests."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from models_store.pictures.layout import centred

Point = tuple[float, float]
Strokes = list[
    tuple[bool, list[Point]]
]  # each as (is it a curve, its points); x to the right and y down, in a unit square
Grey = NDArray[np.uint8]

_STROKES: dict[int, Strokes] = {  # curves pass all their points
    0: [
        (
            True,
            [
                (0.52, 0.04),
                (0.25, 0.2),
                (0.2, 0.55),
                (0.36, 0.92),
                (0.62, 0.92),
                (0.8, 0.55),
                (0.74, 0.18),
                (0.5, 0.04),
            ],
        )
    ],
    1: [(False, [(0.36, 0.22), (0.54, 0.05), (0.5, 0.95)])],
    2: [
        (True, [(0.2, 0.27), (0.36, 0.07), (0.64, 0.07), (0.76, 0.28), (0.6, 0.56), (0.2, 0.92)]),
        (False, [(0.2, 0.92), (0.84, 0.9)]),
    ],
    3: [
        (True, [(0.22, 0.12), (0.5, 0.04), (0.74, 0.2), (0.62, 0.42), (0.44, 0.47)]),
        (True, [(0.44, 0.47), (0.7, 0.54), (0.78, 0.76), (0.56, 0.95), (0.2, 0.88)]),
    ],
    4: [(False, [(0.34, 0.06), (0.22, 0.56), (0.82, 0.56)]), (False, [(0.68, 0.16), (0.62, 0.95)])],
    5: [
        (False, [(0.76, 0.07), (0.32, 0.08), (0.28, 0.44)]),
        (True, [(0.28, 0.44), (0.58, 0.38), (0.78, 0.62), (0.62, 0.9), (0.22, 0.9)]),
    ],
    6: [
        (
            True,
            [
                (0.64, 0.05),
                (0.36, 0.3),
                (0.26, 0.66),
                (0.42, 0.93),
                (0.68, 0.88),
                (0.74, 0.68),
                (0.54, 0.53),
                (0.28, 0.68),
            ],
        )
    ],
    7: [(False, [(0.2, 0.1), (0.8, 0.08), (0.46, 0.95)])],
    8: [
        (
            True,
            [
                (0.52, 0.48),
                (0.28, 0.28),
                (0.5, 0.05),
                (0.73, 0.26),
                (0.5, 0.48),
                (0.25, 0.73),
                (0.5, 0.95),
                (0.76, 0.72),
                (0.52, 0.48),
            ],
        )
    ],
    9: [
        (True, [(0.72, 0.28), (0.5, 0.06), (0.28, 0.28), (0.46, 0.48), (0.72, 0.28)]),
        (False, [(0.72, 0.28), (0.62, 0.95)]),
    ],
}


def digit(
    label: int, height: int, rng: np.random.Generator, pen: float = 0.1, strokes: Strokes | None = None
) -> NDArray[np.float32]:
    """Ink 0..1 [h, w], cut to the strokes, about `height` pixels high; `pen` is the stroke's width over the height.
    `strokes` are another shape of this digit than the usual one.

    Every call slants, turns, squeezes and trembles a little differently.
    """
    slant, turn, squeeze = rng.uniform(-0.2, 0.2), rng.uniform(-0.12, 0.12), rng.uniform(0.85, 1.1)
    fine = 4  # drawn larger and shrunk: smooth edges
    side = height * fine
    canvas = np.zeros((2 * side, 2 * side), np.uint8)
    for curved, points in strokes or _STROKES[label]:
        moved = np.array([(x + rng.normal(0, 0.012), y + rng.normal(0, 0.012)) for x, y in points])
        bent = _bent((smooth(moved) if curved else moved) - 0.5, slant, turn, squeeze)
        pixels = (side + bent * side).round().astype(np.int32)
        cv2.polylines(canvas, [pixels], False, 255, max(1, round(pen * side)), cv2.LINE_AA)
    rows, columns = np.flatnonzero(canvas.any(1)), np.flatnonzero(canvas.any(0))
    cut = canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    size = max(1, cut.shape[1] // fine), max(1, cut.shape[0] // fine)
    return np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA) / 255, np.float32)


def unit(label: int, rng: np.random.Generator, pen: float = 0.11) -> Grey:
    """A digit in MNIST's layout: uint8 [28, 28], light on dark."""
    return centred(digit(label, 80, rng, pen), 28, 28)


def units(per_digit: int, seed: int) -> Grey:
    """uint8 [10 * per_digit, 1, 28, 28], from 0 to 9: the same for the same seed."""
    rng = np.random.default_rng(seed)
    return np.stack([unit(label, rng)[None] for label in range(10) for _ in range(per_digit)])


def on_paper(
    label: int,
    rng: np.random.Generator,
    size: tuple[int, int] = (200, 300),
    height: int = 90,
    ground: int = 255,
    pen_grey: int = 30,
) -> Grey:
    """A digit somewhere on a picture of `size` (rows, columns): uint8, `pen_grey` ink on `ground` paper."""
    strokes = digit(label, height, rng, pen=float(rng.uniform(0.07, 0.13)))
    h, w = strokes.shape
    top, left = (int(rng.integers(6, room - length - 6)) for room, length in zip(size, (h, w), strict=True))
    paper = np.full(size, float(ground))
    paper[top : top + h, left : left + w] += strokes * (pen_grey - ground)
    return paper.round().clip(0, 255).astype(np.uint8)


def scenes(count: int, shape: tuple[int, int, int], seed: int) -> Grey:
    """uint8 [count, C, H, W]: a rectangle, ellipse or triangle in turn, of random colours and places."""
    rng, (channels, height, width) = np.random.default_rng(seed), shape
    return np.stack([scene(kind % 3, height, width, rng)[:channels] for kind in range(count)])


def scene(kind: int, height: int, width: int, rng: np.random.Generator) -> Grey:
    """uint8 [3, H, W] with one shape: 0 a rectangle, 1 an ellipse, 2 a triangle."""
    ground, ink_colour = rng.integers(0, 90, 3), rng.integers(150, 256, 3)
    if rng.random() < 0.5:
        ground, ink_colour = ink_colour, ground
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = ground
    half_w, half_h = width * rng.uniform(0.15, 0.3), height * rng.uniform(0.15, 0.3)
    x, y = rng.uniform(half_w, width - half_w), rng.uniform(half_h, height - half_h)
    colour = tuple(int(value) for value in ink_colour)
    box = int(x - half_w), int(y - half_h), int(x + half_w), int(y + half_h)
    if kind == 0:
        cv2.rectangle(picture, box[:2], box[2:], colour, cv2.FILLED)
    elif kind == 1:
        cv2.ellipse(picture, (int(x), int(y)), (int(half_w), int(half_h)), 0, 0, 360, colour, cv2.FILLED, cv2.LINE_AA)
    else:
        corners = np.array([(box[0], box[3]), (box[2], box[3]), (int(x), box[1])], np.int32)
        cv2.fillPoly(picture, [corners], colour, cv2.LINE_AA)
    return np.ascontiguousarray(picture.transpose(2, 0, 1))


def _bent(points: NDArray[np.float64], slant: float, turn: float, squeeze: float) -> NDArray[np.float64]:
    x, y = points[:, 0] * squeeze - slant * points[:, 1], points[:, 1]
    cos, sin = math.cos(turn), math.sin(turn)
    return np.stack([x * cos - y * sin, x * sin + y * cos], axis=1)


def smooth(points: NDArray[np.float64], steps: int = 12) -> NDArray[np.float64]:
    """A Catmull-Rom spline (1974) through the points [n, 2]: [steps * (n - 1) + 1, 2]."""
    padded = np.concatenate([points[:1], points, points[-1:]])[:, None]
    a, b, c, d = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.concatenate([pieces.reshape(-1, 2), points[-1:]])
