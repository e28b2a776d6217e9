"""Pens, pencil and chalk: how much of each point a writing covers, and in which colour."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.camera import grain
from benchmarks.camera.shape import SIDE, UNIT, Strokes

Field = NDArray[np.float32]
Colour = tuple[float, float, float]

_BLUE, _DARK_BLUE, _BLACK = (0.10, 0.18, 0.62), (0.08, 0.10, 0.34), (0.10, 0.10, 0.11)
_RED, _GREEN, _VIOLET = (0.75, 0.10, 0.12), (0.05, 0.42, 0.20), (0.38, 0.12, 0.52)
_OFFICE, _BRIGHT = (_BLUE, _BLUE, _BLACK, _DARK_BLUE, _RED, _GREEN), (_BLACK, _BLUE, _RED, _GREEN, _VIOLET)


@dataclass(frozen=True)
class Pen:
    """Widths in mm; `follows` is how much of the bitmap's own thick and thin remains; `tooth` how much the ground's
    grain shows through; `gaps` how often it fails; `bleeds` in shares of its width; colours in sRGB."""

    width: tuple[float, float]
    colours: tuple[Colour, ...]
    covers: tuple[float, float]
    follows: float
    pressure: float = 0.1
    tooth: float = 0.0
    gaps: float = 0.0
    bleeds: float = 0.0
    opaque: bool = False  # lies on the ground, and hides it


PENS = {
    "ball": Pen((0.5, 0.9), _OFFICE, (0.75, 0.95), 0.25, pressure=0.15, gaps=0.5),
    "gel": Pen((0.5, 0.9), _OFFICE, (0.92, 1.0), 0.3, pressure=0.06),
    "fineliner": Pen((0.4, 0.8), _BRIGHT, (0.9, 1.0), 0.1, pressure=0.03, bleeds=0.1),
    "pencil": Pen((0.6, 1.1), ((0.24, 0.24, 0.26), (0.30, 0.30, 0.31)), (0.65, 0.92), 0.5, pressure=0.2, tooth=0.45),
    "fountain": Pen((0.6, 1.2), (_BLUE, _DARK_BLUE, _BLACK), (0.75, 0.95), 0.9, pressure=0.2, bleeds=0.12),
    "felt": Pen((1.0, 2.5), _BRIGHT, (0.85, 1.0), 0.6, pressure=0.08, bleeds=0.3),
    "marker": Pen((2.0, 4.5), (_BLACK, _BLACK, _BLUE, _RED), (0.93, 1.0), 0.8, pressure=0.05, bleeds=0.06),
    "crayon": Pen((1.5, 3.0), (_BLUE, _RED, _GREEN, _VIOLET), (0.85, 1.0), 0.7, pressure=0.15, tooth=0.4),
    "chalk": Pen(
        (6, 11),
        ((0.93, 0.93, 0.9),) * 3 + ((0.95, 0.88, 0.5), (0.93, 0.66, 0.7)),
        (0.75, 0.98),
        0.7,
        0.15,
        0.5,
        opaque=True,
    ),
    "board": Pen((3, 6), _BRIGHT, (0.8, 1.0), 0.6, pressure=0.1, gaps=0.35, opaque=True),
}


@dataclass(frozen=True)
class Writing:
    """`cover` 0..1 on a square whose middle is the digit's; `reach` is the square's side in mm; colour linear."""

    cover: Field
    reach: float
    colour: NDArray[np.float32]
    opaque: bool

    def put(self, page: Field, x: Field, y: Field, slope: float) -> None:
        """Onto a page [rows, columns, 3] whose pixels lie at (x, y) mm from the digit's middle, in place, turned by
        `slope` radians against the ruling."""
        side = self.cover.shape[0]
        turn, lift = np.float32(np.cos(slope) * side / self.reach), np.float32(np.sin(slope) * side / self.reach)
        middle = np.float32((side - 1) / 2)
        cover = cv2.remap(self.cover, x * turn + y * lift + middle, y * turn - x * lift + middle, cv2.INTER_LINEAR)
        reached = cover > 0
        over = cover[reached][:, None]
        if self.opaque:
            page[reached] += over * (self.colour - page[reached])
        else:
            page[reached] *= 1 - over * (1 - self.colour)


def write(strokes: Strokes, pen: Pen, height_mm: float, px_per_mm: float, rng: np.random.Generator) -> Writing:
    """Writes with the pen, the digit's longer side `height_mm`, as finely as a camera of `px_per_mm` can tell."""
    side = int(np.clip(height_mm * px_per_mm * SIDE / UNIT, 64, 640))
    outline, spine = (
        cv2.resize(field, (side, side), interpolation=cv2.INTER_CUBIC) for field in (strokes.outline, strokes.spine)
    )
    pixel = SIDE / UNIT / side
    # Neither thinner than two pixels nor so thick that loops close: people take another pen for that.
    thinnest = max(0.035, 2 / (height_mm * px_per_mm))
    thickest = max(thinnest, min(0.17, 1.25 * strokes.width))
    width = float(np.clip(rng.uniform(*pen.width) / height_mm, thinnest, thickest))
    widths = width * (1 + pen.pressure * grain.clouds(side, side, 5, rng))
    into = (1 - pen.follows) * (widths / 2 - spine) + pen.follows * (outline + (widths - min(strokes.width, 0.2)) / 2)
    into = np.maximum(into, 0.3 * widths - spine)  # a thin place of the bitmap is no gap of the pen
    into = into + width * (0.02 + 0.07 * pen.tooth) * grain.clouds(
        side, side, 90, rng
    )  # no hand and no edge is perfect
    cover = _step(into / max(pixel, 0.1 * width * (pen.tooth + pen.bleeds)))
    if pen.bleeds:
        halo = _step(into / (4 * pen.bleeds * width) + 0.2)
        cover = np.maximum(cover, 0.45 * halo * halo)
    cover *= rng.uniform(*pen.covers) * (1 + 0.6 * pen.pressure * grain.clouds(side, side, 4, rng))
    cover *= _worn(pen, side, height_mm, width, rng)
    colour = np.array(pen.colours[int(rng.integers(len(pen.colours)))], np.float32)
    colour = np.clip(colour * rng.uniform(0.8, 1.2) + rng.normal(0, 0.015, 3), 0.02, 0.98).astype(np.float32)
    cover = np.clip(cover, 0, 1).astype(np.float32)
    return Writing(cover, height_mm * SIDE / UNIT, colour**2.2, pen.opaque)


def _worn(pen: Pen, side: int, height_mm: float, width: float, rng: np.random.Generator) -> Field:
    """What the ground's tooth and a failing ball leave of the ink, 0..1."""
    left = np.ones((side, side), np.float32)
    if pen.tooth:
        fine = cv2.GaussianBlur(grain.white((side, side), rng), (0, 0), max(0.6, side * width / 20))
        left *= 1 - pen.tooth * _step(0.6 * fine / fine.std() - 0.1)
    if rng.random() < pen.gaps:
        skips = cv2.GaussianBlur(grain.white((side, side), rng), (0, 0), side * width / 9)
        left *= 1 - rng.uniform(0.2, 0.6) * _step(1.5 * skips / skips.std() - 2.2)
    return left


def _step(value: Field) -> Field:
    return np.asarray(np.clip(value + 0.5, 0, 1), np.float32)
