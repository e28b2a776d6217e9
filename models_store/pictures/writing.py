"""The preparation `writing`: finds the one digit on a picture that a person took. It knows no file formats, no models.

    whole picture, small        colour -> grey in which ink stands out -> ground -> ink -> rules taken out -> the mark
    the part around that mark   the same from close up; then strokes no thinner than a net can see

Each step is a function of its own in `ground`, `rules` and `marks`, which says what it is good for.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models_store.pictures.ground import (
    Colour,
    Grey,
    Ink,
    Inked,
    at_share,
    channels,
    even_ink,
    grey_in,
    ink_of,
    is_mostly_light,
    sized,
)
from models_store.pictures.layout import thickened
from models_store.pictures.marks import Marks, marks_of
from models_store.pictures.rules import Lines, rules_in, without
from models_store.specs import WritingSpec

cv2.setNumThreads(1)  # pictures this small gain nothing from threads, and a serving process has one core

_MARGIN = 0.3  # of the digit's longer side, looked at around it from close up
_LARGE = 0.35  # of the longer side: a digit that large may have strokes wider than the square that shows the ground
_ROOM = 1.5  # times the widest place of the ink: a square in which the ground shows
_FAT = 0.4  # of a mark's size: strokes are narrower, shadows and holes are not
_UNUSUAL = 0.7  # how much less likely the rarer of light and dark is the ink
_GRAINS = 3.0  # times the usual grain, that ink must stand out
_LEAST_SIDE = 96  # pixels: smaller pictures are enlarged, so that every step has pixels to work on


@dataclass(frozen=True)
class Found:
    """A digit: ink 0..1 [h, w], cut to its bounding box; how far it stands out from the ground, 0..1; and whether
    there is another mark that could be meant as well."""

    strokes: Ink
    contrast: float
    several: bool = False


@dataclass(frozen=True)
class _Seen:
    """What one look at a picture, or at a part of it, showed."""

    ink: Ink
    marks: Marks
    contrast: float
    levels: float  # the same in grey levels
    rules: Lines
    dark: bool


def find(picture: Colour, spec: WritingSpec) -> Found | None:
    """The digit in uint8 [H, W, 3], whichever of ink and ground is darker; None where nothing is written."""
    small, scale = sized(picture, spec.overview, _LEAST_SIDE)
    weights = channels(small)
    seen = _overview({dark: grey_in(small, weights[dark]) for dark in weights}, spec)
    if seen is None:
        return None
    several = seen.marks.several
    closer = _close_up(picture, weights[seen.dark], seen, scale, spec)
    if closer is not None:
        seen, several = closer, several or closer.marks.several
    box = seen.marks.box
    strokes = np.where(seen.marks.kept, seen.ink, 0).astype(np.float32)[box.top : box.bottom, box.left : box.right]
    return Found(thickened(strokes, spec.thin), seen.contrast, several)


def _overview(greys: dict[bool, Grey], spec: WritingSpec) -> _Seen | None:
    """The whole picture: dark ink or light, even light or uneven, whichever shows one written thing most plainly."""
    longer = max(greys[True].shape)
    usual = is_mostly_light(greys[True])

    def likely(one: _Seen | None) -> float:
        if one is None:
            return 0.0
        fat = _widest(one.marks.kept) / max(one.marks.box.height, one.marks.box.width)
        return one.marks.score * one.levels**2 * min(1, _FAT / fat) ** 4 * (1 if one.dark == usual else _UNUSUAL)

    side = max(3, round(spec.ground * longer) | 1)
    inks = [even_ink(grey, dark) for dark, grey in greys.items()]
    inks += [ink_of(grey, dark, side) for dark, grey in greys.items()]
    best = max((_seen(ink, spec, None) for ink in inks if ink is not None), key=likely)
    if best is not None and max(best.marks.box.height, best.marks.box.width) > _LARGE * longer:
        side = round(spec.ground_wide * longer) | 1
        best = max(best, _seen(ink_of(greys[best.dark], best.dark, side), spec, None), key=likely)
    return best


def _close_up(
    picture: Colour, weights: NDArray[np.float32], seen: _Seen, scale: float, spec: WritingSpec
) -> _Seen | None:
    """The part around what was seen in a picture `scale` times as large."""
    box = seen.marks.box
    margin = _MARGIN * max(box.height, box.width)
    height, width = picture.shape[:2]
    top, left = max(0, round((box.top - margin) / scale)), max(0, round((box.left - margin) / scale))
    bottom, right = min(height, round((box.bottom + margin) / scale)), min(width, round((box.right + margin) / scale))
    part = picture[top:bottom, left:right]
    size = part.shape[1], part.shape[0]
    rules = (seen.rules * (width, height, width, height) - (left, top, left, top)) / (*size, *size)
    work, closer = sized(part, spec.closeup, _LEAST_SIDE)
    side = max(5, round(_ROOM * _widest(seen.marks.kept) * closer / scale) | 1)
    return _seen(ink_of(grey_in(work, weights), seen.dark, side), spec, rules.astype(np.float32))


def _seen(inked: Inked, spec: WritingSpec, rules: Lines | None) -> _Seen | None:
    """`rules` are those that are known; None looks for them. None where nothing stands out from the grain."""
    ink = inked.ink
    peak = at_share(ink, 0.9995)
    if peak < max(spec.faint, _GRAINS * at_share(ink, 0.5)):
        return None
    ink = np.minimum(ink * np.float32(1 / peak), 1)
    rules = rules_in(ink > spec.weak) if rules is None else rules
    ink = without(ink, rules, spec.strong)
    marks = marks_of(ink, spec)
    return None if marks is None else _Seen(ink, marks, peak, peak * inked.level, rules, inked.dark)


def _widest(mask: NDArray[np.bool_]) -> float:
    """Pixels across the widest place of a mask: no square of that side is covered by it."""
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return 2 * float(cv2.distanceTransform(padded, cv2.DIST_L2, 3).max())
