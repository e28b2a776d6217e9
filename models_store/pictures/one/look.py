"""One look at a picture, or at a part of it: which ink stands out, which of it is the digit, and how plainly."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models_store.pictures.ground import Ink, Inked, at_share
from models_store.pictures.marks import Marks, marks_of
from models_store.pictures.one.rules import Rules, without
from models_store.pictures.one.sheet import Parts
from models_store.preparation import WritingSpec

_FAT = 0.4  # of a mark's size: strokes are narrower, shadows and holes are not
_CLEAR, _LEAST_CLEAR = 0.04, 0.005  # clarity of what may be a digit, near the grain and far off it
_FAR = 8.0  # deviations of the grain
_BOXED = 4.0  # how much more likely is what a printed box holds
_UNUSUAL = 0.7  # how much less likely the rarer of light and dark is the ink
_PALE = 0.4  # of the usual least contrast: in a box less is looked for
_GRAINS = 4.0  # deviations of the grain, that ink must stand out: the darkest of 2,000 grains is at 3.3


@dataclass(frozen=True)
class View:
    """A part of a picture: its corner in the picture's pixels, and how many times as large it is looked at."""

    left: int
    top: int
    scale: float

    def seen_from(self, other: "View") -> tuple[float, float, float]:
        """Where its corner (x, y) lies in another view, and how many times as large it shows the same."""
        x, y = (self.left - other.left) * other.scale, (self.top - other.top) * other.scale
        return x, y, self.scale / other.scale


@dataclass(frozen=True)
class Seen:
    """What one look showed."""

    ink: Ink
    marks: Marks
    contrast: float
    rules: Rules
    inked: Inked
    view: View
    parts: Parts | None = None  # where a sheet ends in the picture

    @property
    def dark(self) -> bool:
        """Whether the ink is darker than the ground."""
        return self.inked.dark

    @property
    def levels(self) -> float:
        """The contrast in grey levels."""
        return self.contrast * self.inked.unit

    @property
    def plainness(self) -> float:
        """How plainly one thing was written, 0..1."""
        return self.marks.clarity * _slim(self.marks)


def look(inked: Inked, view: View, spec: WritingSpec, rules: Rules, parts: Parts | None = None) -> Seen | None:
    """The main mark in what stands out from the ground, without printed lines; None where it is nothing but grain."""
    ink, peak = bright(inked.ink)
    if peak < max(spec.faint, _GRAINS * inked.grain):
        return None
    ink = without(ink, rules, spec.strong)
    if len(rules.boxes):  # which may be darker than a pencil
        ink, rest = bright(ink)
        peak *= rest
        if peak < _PALE * spec.faint:  # nothing but what was left of the lines
            return None
    change = cv2.morphologyEx(inked.grey, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8))
    slope = change.astype(np.float32) / np.float32(max(1.0, peak * inked.unit))
    marks = marks_of(ink, slope, spec, inked.even)
    return None if marks is None else Seen(ink, marks, peak, rules, inked, view, parts)


def plainest(looks: Sequence[Seen | None], usual: bool) -> Seen | None:
    """The look that most likely shows what was meant; None where none shows anything plainly. `usual` is the darkness
    of ink that the picture itself suggests."""
    clear = [one for one in looks if one is not None and _is_clear(one)]
    return max(clear, key=lambda one: _likely(one, usual), default=None)


def bright(ink: Ink) -> tuple[Ink, float]:
    """Ink with 1 for the darkest, and how dark that was."""
    peak = max(at_share(ink, 0.9995), 1e-3)
    return np.minimum(ink * np.float32(1 / peak), 1), peak


def _likely(seen: Seen, usual: bool) -> float:
    size = math.sqrt(max(seen.marks.box.height, seen.marks.box.width))
    boxed = _BOXED if len(seen.rules.boxes) else 1.0
    return seen.plainness * size * boxed * seen.levels**2 * (1 if seen.dark == usual else _UNUSUAL)


def _is_clear(seen: Seen) -> bool:
    """Not grain, nor the corner of a sheet: marks that are far off the grain may be less plain."""
    far = seen.contrast > _FAR * seen.inked.grain
    return seen.plainness > (_LEAST_CLEAR if far else _CLEAR)


def _slim(marks: Marks) -> float:
    """1 for strokes; less for marks that are wide for their size, as shadows and the holes of digits are."""
    fat = _widest(marks.kept) / max(marks.box.height, marks.box.width)
    return min(1.0, _FAT / fat) ** 4


def _widest(mask: NDArray[np.bool_]) -> float:
    """Pixels across the widest place of a mask: no square of that side is covered by it."""
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return 2 * float(cv2.distanceTransform(padded, cv2.DIST_L2, 3).max())
