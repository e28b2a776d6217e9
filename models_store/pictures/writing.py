"""The preparation `writing`: finds the one digit on a picture that a person took. It knows no file formats, no models.

    whole picture, small        colour -> grey in which ink stands out -> ground -> ink -> rules taken out -> the mark
    the part around that mark   the same from close up; then strokes no thinner than a net can see

Each step is a function of its own in `sheet`, `ground`, `rules` and `marks`, which says what it is good for.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    flat_ink,
    grey_in,
    ink_of,
    is_mostly_light,
    sized,
)
from models_store.pictures.layout import thickened
from models_store.pictures.marks import Marks, inner, marks_of
from models_store.pictures.rules import NONE, Rules, boxes_in, rules_in, without
from models_store.pictures.sheet import Parts, parts_of
from models_store.preparation import WritingSpec

cv2.setNumThreads(1)  # pictures this small gain nothing from threads, and a serving process has one core

_BOX_MARGIN = 0.1  # of a printed box's longer side, looked at around it from close up
_ROW, _LONGEST = 1.5, 2.5  # times as wide as high is a row of boxes; so much larger is what is seen of it, at most
_MARGIN = 0.3  # of the digit's longer side, looked at around it from close up
_LARGE = 0.35  # of the longer side: a digit that large may have strokes wider than the square that shows the ground
_ROOM = 1.5  # times the widest place of the ink: a square in which the ground shows
_FAT = 0.4  # of a mark's size: strokes are narrower, shadows and holes are not
_CLEAR, _LEAST_CLEAR = 0.04, 0.005  # clarity of what may be a digit, near the grain and far off it
_FAR = 8.0  # deviations of the grain
_DOUBTFUL = 0.1  # and up to which what is not cut by the frame is looked for
_PLAIN = 0.7  # clarity from which nothing else is tried
_BOXED = 4.0  # how much more likely is what a printed box holds
_UNUSUAL = 0.7  # how much less likely the rarer of light and dark is the ink
_FAINTER = 0.6  # of the weakest ink that counts as written: print is often paler
_GRAINS = 4.0  # deviations of the grain, that ink must stand out: the darkest of 2,000 grains is at 3.3
_LEAST_SIDE = 96  # pixels: smaller pictures are enlarged, so that every step has pixels to work on


@dataclass(frozen=True)
class Found:
    """A digit: ink 0..1 [h, w], cut to its bounding box; how far it stands out from the ground, 0..1; and whether
    there is another mark that could be meant as well."""

    strokes: Ink
    contrast: float
    several: bool = False


@dataclass(frozen=True)
class View:
    """A part of a picture: its corner in the picture's pixels, and how many times as large it is looked at."""

    left: int
    top: int
    scale: float


@dataclass(frozen=True)
class _Seen:
    """What one look at a picture, or at a part of it, showed."""

    ink: Ink
    marks: Marks
    contrast: float
    rules: Rules
    inked: Inked
    view: View
    parts: Parts | None = None  # where a sheet ends in the picture

    @property
    def dark(self) -> bool:
        return self.inked.dark

    @property
    def levels(self) -> float:
        """The contrast in grey levels."""
        return self.contrast * self.inked.unit


def find(picture: Colour, spec: WritingSpec) -> Found | None:
    """The digit in uint8 [H, W, 3], whichever of ink and ground is darker; None where nothing is written."""
    small, scale = sized(picture, spec.overview, _LEAST_SIDE)
    weights = channels(small)
    greys = {dark: grey_in(small, weights[dark]) for dark in weights}
    view = View(0, 0, scale)
    seen = _on_sheet(greys, view, spec) or _overview(greys, view, spec)
    if seen is None:
        return None
    several = seen.marks.several
    closer = _close_up(picture, weights[seen.dark], seen, spec)
    if (
        closer is not None and len(closer.rules.boxes) and not len(seen.rules.boxes)
    ):  # it was a box, with the digit in it
        closer = _close_up(picture, weights[seen.dark], closer, spec) or closer
    if closer is not None:
        seen, several = closer, several or closer.marks.several
    box = seen.marks.box
    strokes = np.where(seen.marks.kept, seen.ink, 0).astype(np.float32)[box.top : box.bottom, box.left : box.right]
    return Found(thickened(strokes, spec.thin), seen.contrast, several)


def _on_sheet(greys: dict[bool, Grey], view: View, spec: WritingSpec) -> _Seen | None:
    """The whole picture, where a sheet ends in it: what is plainly written on it, or beside it."""
    parts = parts_of(greys[True])
    if parts is None:
        return None
    side = round(spec.ground * max(parts.shape))
    seen = []
    for dark in (True, False):
        inked = ink_of(greys[dark], dark, side, parts)
        seen.append(_seen(inked, view, spec, rules_in(_bright(inked.ink)[0] > _FAINTER * spec.weak), parts))
    return _plainest(seen, usual=True)  # whoever writes on a sheet uses a pen


def _overview(greys: dict[bool, Grey], view: View, spec: WritingSpec) -> _Seen | None:
    """The whole picture: dark ink or light, even light or uneven, whichever shows one written thing most plainly."""
    longer = max(greys[True].shape)
    usual = is_mostly_light(greys[True])
    side = round(spec.ground * longer)
    rules, seen = {}, []
    for dark in (usual, not usual):
        pieced = ink_of(greys[dark], dark, side)
        rules[dark] = rules_in(_bright(pieced.ink)[0] > _FAINTER * spec.weak)
        for inked in (even_ink(greys[dark], dark), pieced):
            one = None if inked is None else _seen(inked, view, spec, rules[dark])
            if one is not None and dark == usual and _plainness(one) > _PLAIN and one.inked.even:
                return one
            seen.append(one)
    best = _plainest(seen, usual)
    if best is not None and _plainness(best) > _DOUBTFUL:
        return best
    inside = _plainest([_seen(_inside(one, spec), one.view, spec, one.rules) for one in seen if one], usual)
    return inside if inside is not None and (best is None or _plainness(inside) > _PLAIN) else best


def _plainest(looks: Sequence[_Seen | None], usual: bool) -> _Seen | None:
    """The look that most likely shows what was meant; None where none shows anything plainly."""
    clear = [one for one in looks if one is not None and _is_clear(one)]
    return max(clear, key=lambda one: _likely(one, usual), default=None)


def _inside(seen: _Seen, spec: WritingSpec) -> Inked:
    """What was found, but for what can't be the digit: that may have been so dark that the digit did not count."""
    return replace(seen.inked, ink=inner(seen.ink, spec) * np.float32(seen.contrast))


def _likely(seen: _Seen, usual: bool) -> float:
    """How likely this look shows what was meant; `usual` is the darkness of ink that the picture itself suggests."""
    size = math.sqrt(max(seen.marks.box.height, seen.marks.box.width))
    boxed = _BOXED if len(seen.rules.boxes) else 1.0
    return _plainness(seen) * size * boxed * seen.levels**2 * (1 if seen.dark == usual else _UNUSUAL)


def _is_clear(seen: _Seen) -> bool:
    """Not grain, nor the corner of a sheet: marks that are far off the grain may be less plain."""
    far = seen.contrast > _FAR * seen.inked.grain
    return _plainness(seen) > (_LEAST_CLEAR if far else _CLEAR)


def _plainness(seen: _Seen) -> float:
    return seen.marks.clarity * _slim(seen)


def _slim(seen: _Seen) -> float:
    """1 for strokes; less for marks that are wide for their size, as shadows and the holes of digits are."""
    fat = _widest(seen.marks.kept) / max(seen.marks.box.height, seen.marks.box.width)
    return min(1.0, _FAT / fat) ** 4


def _close_up(picture: Colour, weights: NDArray[np.float32], seen: _Seen, spec: WritingSpec) -> _Seen | None:
    """The part of the picture around what was seen."""
    before, (height, width) = seen.view, picture.shape[:2]
    low, high = _around(seen)
    left, top = (round(at + x / before.scale) for at, x in zip((before.left, before.top), low, strict=True))
    right, bottom = (round(at + x / before.scale) for at, x in zip((before.left, before.top), high, strict=True))
    top, left = max(0, top), max(0, left)
    part = picture[top : min(height, bottom), left : min(width, right)]
    side = round(spec.closeup * min(_LONGEST, max(1.0, part.shape[1] / part.shape[0] / _ROW)))
    work, scale = sized(part, side, _LEAST_SIDE)
    view = View(left, top, scale)
    off_x, off_y, closer = (left - before.left) * before.scale, (top - before.top) * before.scale, scale / before.scale
    there = np.array([[closer, 0, -off_x * closer], [0, closer, -off_y * closer]], np.float32)
    grey = grey_in(work, weights)
    side = round(spec.ground_wide * max(work.shape[:2]))
    parts = None if seen.parts is None else _moved(seen.parts, there, work.shape)
    even = seen.inked.even
    inked = flat_ink(grey, seen.dark, seen.inked.level) if even else ink_of(grey, seen.dark, side, parts)
    if seen.marks.frames.any():
        frames = _moved(seen.marks.frames.astype(np.uint8), there, work.shape)
        inked.ink[cv2.dilate(frames, np.ones((5, 5), np.uint8)) > 0] = 0
    rules, mask = seen.rules.seen_from(off_x, off_y, closer), _bright(inked.ink)[0] > _FAINTER * spec.weak
    boxes = boxes_in(mask, NONE if len(rules.boxes) else rules)
    box = seen.marks.box
    low = np.array([box.left - off_x, box.top - off_y], np.float32) * np.float32(closer)
    high = np.array([box.right - off_x, box.bottom - off_y], np.float32) * np.float32(closer)
    if len(rules.boxes):
        rules = boxes if len(boxes.boxes) else rules  # seen from close up, their lines are known better
    elif boxes.are_around(low, high) or boxes.are_within(low, high):
        rules = rules.and_also(boxes)
    return _seen(inked, view, spec, rules)


def _around(seen: _Seen) -> tuple[tuple[float, float], tuple[float, float]]:
    """The corners (x, y) of the part to be looked at from closer up: the mark, or the printed box that it is in."""
    box = seen.marks.box
    middle = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    for corners in seen.rules.boxes:
        if cv2.pointPolygonTest(corners, middle, measureDist=False) >= 0:
            low, high = corners.min(0), corners.max(0)
            margin = _BOX_MARGIN * float((high - low).max())
            return (low - margin).tolist(), (high + margin).tolist()
    margin = _MARGIN * max(box.height, box.width)
    return (box.left - margin, box.top - margin), (box.right + margin, box.bottom + margin)


def _moved(numbers: Grey, there: NDArray[np.float32], shape: tuple[int, ...]) -> Grey:
    return np.asarray(cv2.warpAffine(numbers, there, shape[1::-1], flags=cv2.INTER_NEAREST), np.uint8)


def _seen(inked: Inked, view: View, spec: WritingSpec, rules: Rules, parts: Parts | None = None) -> _Seen | None:
    """None where nothing stands out from the grain."""
    ink, peak = _bright(inked.ink)
    if peak < max(spec.faint, _GRAINS * inked.grain):
        return None
    ink = without(ink, rules, spec.strong)
    if len(rules.boxes):  # which may be darker than a pencil
        ink, rest = _bright(ink)
        peak *= rest
    change = cv2.morphologyEx(inked.grey, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8))
    slope = change.astype(np.float32) / np.float32(max(1.0, peak * inked.unit))
    marks = marks_of(ink, slope, spec, inked.even)
    return None if marks is None else _Seen(ink, marks, peak, rules, inked, view, parts)


def _bright(ink: Ink) -> tuple[Ink, float]:
    """Ink with 1 for the darkest, and how dark that was."""
    peak = max(at_share(ink, 0.9995), 1e-3)
    return np.minimum(ink * np.float32(1 / peak), 1), peak


def _widest(mask: NDArray[np.bool_]) -> float:
    """Pixels across the widest place of a mask: no square of that side is covered by it."""
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return 2 * float(cv2.distanceTransform(padded, cv2.DIST_L2, 3).max())
