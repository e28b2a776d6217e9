"""Finds all digits on a picture that a person took: of one row, of a form, of a page. It knows no file formats and no
models.

    colour -> grey in which ink stands out -> ground -> ink -> print taken out -> pieces -> lines and numbers

`writing` looks for one digit; here they are many and small, so that the whole picture is looked at from close up.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from models_store.pictures.ground import Colour, Inked, at_share, channels, grey_in, ink_of_large, is_mostly_light, sized
from models_store.pictures.order import lines_of
from models_store.pictures.pieces import Piece, pieces, usual_height
from models_store.pictures.printed import without_printed
from models_store.specs import WritingSpec

cv2.setNumThreads(1)  # as in `writing`

_SIDE, _LARGER_SIDE = 1024, 2048  # pixels: the longer side in which is looked, and where digits are small in that
_LEAST_SIDE = 400
_SMALL = 26  # pixels: lower digits are looked at in a larger picture, where there is one
_GRAINS = 3.0  # times the usual grain, that ink must stand out


@dataclass(frozen=True)
class Found:
    """Digits, the lines and numbers that they make (places in `pieces`), and how far ink stands out, 0..1."""

    pieces: list[Piece]
    lines: list[list[list[int]]]
    contrast: float
    scale: float  # how many times as large as the given picture the one is in which the boxes are


def find(picture: Colour, spec: WritingSpec) -> Found | None:
    """The digits in uint8 [H, W, 3], whichever of ink and ground is darker; None where nothing is written."""
    found = _look(picture, spec, _SIDE)
    if found is not None and max(picture.shape) > 1.3 * _SIDE and _height(found) < _SMALL:
        found = _look(picture, spec, _LARGER_SIDE)
    return found


def _height(found: Found) -> float:
    return float(np.median([piece.box.height for piece in found.pieces]))


def _look(picture: Colour, spec: WritingSpec, side: int) -> Found | None:
    small, scale = sized(picture, side, _LEAST_SIDE)
    weights = channels(small)
    usual = is_mostly_light(grey_in(small, weights[True]))
    for dark in (usual, not usual):
        inked = ink_of_large(grey_in(small, weights[dark]), dark, spec.ground)
        found = _digits(inked, spec)
        if found:
            boxes = [piece.box for piece in found[0]]
            return Found(found[0], lines_of(boxes), found[1], scale)
    return None


def _digits(inked: Inked, spec: WritingSpec) -> tuple[list[Piece], float] | None:
    ink = inked.ink
    peak = at_share(ink, 0.9995)
    if peak < max(spec.faint, _GRAINS * at_share(ink, 0.5)):
        return None
    ink = np.minimum(ink * np.float32(1 / peak), 1)
    height = usual_height(ink, spec)
    if height is None:
        ink = without_printed(ink, None, spec.weak)
        height = usual_height(ink, spec)
    if height is not None:
        ink = without_printed(ink, height, spec.weak)
    found = pieces(ink, spec)
    return (found, peak) if found else None
