"""The preparation `writing`: finds the one digit on a picture that a person took.

    whole picture, small        colour -> grey in which ink stands out -> ground -> ink -> print taken out -> the mark
    the part around that mark   the same from close up; then strokes no thinner than a net can see

Each step is a function of its own in `border`, `sheet`, `ground`, `rules`, `boxes`, `look` and `marks`, which says what
it is good for.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models_store.pictures.ground import (
    Colour,
    Grey,
    Ink,
    Inked,
    channels,
    even_ink,
    flat_ink,
    grey_in,
    ink_of,
    is_mostly_light,
    sized,
)
from models_store.pictures.layout import thickened
from models_store.pictures.marks import inner
from models_store.pictures.one.border import with_paper, without_border
from models_store.pictures.one.look import Seen, View, bright, look, plainest
from models_store.pictures.one.rules import Rules, boxes_in, rules_in
from models_store.pictures.one.sheet import parts_of
from models_store.preparation import WritingSpec

cv2.setNumThreads(1)  # pictures this small gain nothing from threads, and a serving process has one core

_MARGIN = 0.3  # of the digit's longer side, looked at around it from close up
_BOX_MARGIN = 0.1  # the same around a printed box that it is in
_ROW, _LONGEST = 1.5, 2.5  # times as wide as high may be a row of boxes; so much larger it is looked at, at most
_DOUBTFUL = 0.1  # plainness up to which what is not cut by the frame is looked for
_PLAIN = 0.7  # and from which nothing else is tried
_FAINTER = 0.6  # of the weakest ink that counts as written: print is often paler
_LEAST_SIDE = 96  # pixels: smaller pictures are enlarged, so that every step has pixels to work on

Point = tuple[float, float]  # x, y


@dataclass(frozen=True)
class FoundWriting:
    """A digit: ink 0..1 [h, w], cut to its bounding box; how far it stands out from the ground, 0..1; and whether
    there is another mark that could be meant as well."""

    strokes: Ink
    contrast: float
    several: bool = False


def find(picture: Colour, spec: WritingSpec) -> FoundWriting | None:
    """The digit in uint8 [H, W, 3], whichever of ink and ground is darker; None where nothing is written."""
    picture = with_paper(without_border(picture))
    small, scale = sized(picture, spec.overview, _LEAST_SIDE)
    weights = channels(small)
    greys = {dark: grey_in(small, weights[dark]) for dark in weights}
    view = View(0, 0, scale)
    seen = _on_sheet(greys, view, spec) or _overview(greys, view, spec)
    if seen is None:
        return None
    several = seen.marks.several
    closer = _close_up(picture, weights[seen.dark], seen, spec)
    if closer is not None and len(closer.rules.boxes) and not len(seen.rules.boxes):
        closer = _close_up(picture, weights[seen.dark], closer, spec) or closer  # boxes were seen, now the digit is
    if closer is not None:
        seen, several = closer, several or closer.marks.several
    box = seen.marks.box
    strokes = np.where(seen.marks.kept, seen.ink, 0).astype(np.float32)[box.top : box.bottom, box.left : box.right]
    return FoundWriting(thickened(strokes, spec.thin), seen.contrast, several)


def _on_sheet(greys: dict[bool, Grey], view: View, spec: WritingSpec) -> Seen | None:
    """The whole picture, where a sheet ends in it: what is plainly written on it, or beside it."""
    parts = parts_of(greys[True])
    if parts is None:
        return None
    side = round(spec.ground * max(parts.shape))
    seen = []
    for dark in (True, False):
        inked = ink_of(greys[dark], dark, side, parts)
        seen.append(look(inked, view, spec, rules_in(_written(inked, spec)), parts))
    return plainest(seen, usual=True)  # whoever writes on a sheet uses a pen


def _overview(greys: dict[bool, Grey], view: View, spec: WritingSpec) -> Seen | None:
    """The whole picture: dark ink or light, even light or uneven, whichever shows one written thing most plainly."""
    longer = max(greys[True].shape)
    usual = is_mostly_light(greys[True])
    side = round(spec.ground * longer)
    rules, seen = {}, []
    for dark in (usual, not usual):
        pieced = ink_of(greys[dark], dark, side)
        rules[dark] = rules_in(_written(pieced, spec))
        for inked in (even_ink(greys[dark], dark), pieced):
            one = None if inked is None else look(inked, view, spec, rules[dark])
            if one is not None and dark == usual and one.plainness > _PLAIN and one.inked.even:
                return one
            seen.append(one)
    best = plainest(seen, usual)
    if best is not None and best.plainness > _DOUBTFUL:
        return best
    inside = plainest([look(_inside(one, spec), view, spec, one.rules) for one in seen if one], usual)
    return inside if inside is not None and (best is None or inside.plainness > _PLAIN) else best


def _inside(seen: Seen, spec: WritingSpec) -> Inked:
    """What was found, but for what can't be the digit: that may have been so dark that the digit did not count."""
    return replace(seen.inked, ink=inner(seen.ink, spec) * np.float32(seen.contrast))


def _written(inked: Inked, spec: WritingSpec) -> NDArray[np.bool_]:
    """Where there is ink or print."""
    return np.asarray(bright(inked.ink)[0] > _FAINTER * spec.weak)


def _close_up(picture: Colour, weights: NDArray[np.float32], seen: Seen, spec: WritingSpec) -> Seen | None:
    """The part of the picture around what was seen; None where from close up nothing of it has an edge."""
    work, view = _nearer(picture, seen, spec)
    x, y, scale = view.seen_from(seen.view)
    there = np.array([[scale, 0, -x * scale], [0, scale, -y * scale]], np.float32)
    grey = grey_in(work, weights)
    parts = None if seen.parts is None else _moved(seen.parts, there, work.shape)
    if seen.inked.even:
        inked = flat_ink(grey, seen.dark, seen.inked.level)
    else:
        inked = ink_of(grey, seen.dark, round(spec.ground_wide * max(work.shape[:2])), parts)
    if seen.marks.frames.any():
        frames = _moved(seen.marks.frames.astype(np.uint8), there, work.shape)
        inked.ink[cv2.dilate(frames, np.ones((5, 5), np.uint8)) > 0] = 0
    closer = look(inked, view, spec, _rules_nearby(inked, seen, (x, y, scale), spec), parts)
    return closer if closer is not None and closer.marks.clarity > 0 else None


def _nearer(picture: Colour, seen: Seen, spec: WritingSpec) -> tuple[Colour, View]:
    """The part of the picture that shows the mark, or the printed box that it is in, with some of what is around it."""
    (x0, y0), (x1, y1) = _around(seen)
    before = seen.view
    left, top = max(0, round(before.left + x0 / before.scale)), max(0, round(before.top + y0 / before.scale))
    left, top = min(left, picture.shape[1] - 1), min(top, picture.shape[0] - 1)
    right, bottom = round(before.left + x1 / before.scale), round(before.top + y1 / before.scale)
    right, bottom = max(right, left + 1), max(bottom, top + 1)  # a mark of a pixel in a picture of a few
    part = picture[top:bottom, left:right]
    side = spec.closeup * min(_LONGEST, max(1.0, part.shape[1] / part.shape[0] / _ROW))
    work, scale = sized(part, round(side), _LEAST_SIDE)
    return work, View(left, top, scale)


def _around(seen: Seen) -> tuple[Point, Point]:
    box = seen.marks.box
    middle = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    for corners in seen.rules.boxes:
        if cv2.pointPolygonTest(corners, middle, measureDist=False) >= 0:
            (x0, y0), (x1, y1) = corners.min(0).tolist(), corners.max(0).tolist()
            margin = _BOX_MARGIN * max(x1 - x0, y1 - y0)
            return (x0 - margin, y0 - margin), (x1 + margin, y1 + margin)
    margin = _MARGIN * max(box.height, box.width)
    return (box.left - margin, box.top - margin), (box.right + margin, box.bottom + margin)


def _rules_nearby(inked: Inked, seen: Seen, place: tuple[float, float, float], spec: WritingSpec) -> Rules:
    """Printed lines in a close-up whose corner (x, y) lies there in what was seen, and which is so much larger."""
    x, y, scale = place
    known, written = seen.rules.seen_from(x, y, scale), _written(inked, spec)
    if len(known.boxes):
        found = boxes_in(written)
        return found if len(found.boxes) else known  # lines of boxes are known better from close up
    found, box = boxes_in(written, known), seen.marks.box
    low = np.array([box.left - x, box.top - y], np.float32) * np.float32(scale)
    high = np.array([box.right - x, box.bottom - y], np.float32) * np.float32(scale)
    return known.and_also(found) if found.are_around(low, high) or found.are_within(low, high) else known


def _moved(numbers: Grey, there: NDArray[np.float32], shape: tuple[int, ...]) -> Grey:
    return np.asarray(cv2.warpAffine(numbers, there, shape[1::-1], flags=cv2.INTER_NEAREST), np.uint8)
