"""Finds all digits on a picture that a person took: of one row, of a form, of a page.

    colour -> grey in which ink stands out -> ground -> ink -> print taken out -> pieces

`writing` looks for one digit; here they are many and small, so that the whole picture is looked at from close up.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from models_store.pictures.ground import Beside, Colour, Grey, channels, grey_in, ink_beside, ink_is_dark, sized
from models_store.pictures.many.pieces import Piece, pieces, usual_height
from models_store.pictures.many.printed import print_in, without_print
from models_store.preparation import WritingSpec

cv2.setNumThreads(1)  # as in `writing`

_SIDE, _LARGER_SIDE = 1024, 2048  # pixels: the longer side in which is looked, and where digits are small in that
_LEAST_SIDE = 400
_SMALL = 26  # pixels: lower digits are looked at in a larger picture, where there is one
_LARGE = 0.3  # of the longer side: digits so large have strokes for which the window is too small
_WIDE_WINDOW = 0.5
_WINDOW = 0.2  # of the longer side: ink covers less than half of such a square
_EVEN = np.full((1, 3), 1 / 3, np.float32)  # weights of the colours before it is known which the pen has
_GRAINS = 3.0  # times as far as the grain, ink must stand out
_GRAINY = 0.12  # of the darkest ink: coarser grain is smoothed
_PEAK = 0.9995  # of all pixels have less ink than the darkest
_PALER = 0.5  # of the darkest ink: ink that is paler all around counts more, down to that


@dataclass(frozen=True)
class FoundRows:
    """Digits, none where all marks are print, a frame or too slight; how far ink stands out from the ground, 0..1; and
    how many times as large as the given picture the one is in which their boxes are."""

    pieces: list[Piece]
    contrast: float
    scale: float

    @property
    def height(self) -> float:
        """Of a digit, in that picture's pixels."""
        return float(np.median([piece.box.height for piece in self.pieces]))


def find(picture: Colour, spec: WritingSpec) -> FoundRows | None:
    """The digits in uint8 [H, W, 3], whichever of ink and ground is darker; None where nothing is written."""
    found = _look(picture, spec, _SIDE, _WINDOW)
    if found is None or not found.pieces:
        return found
    again = None
    if found.height > _LARGE * _SIDE or found.height > _LARGE * max(picture.shape) * found.scale:
        again = _look(picture, spec, _SIDE, _WIDE_WINDOW)
    elif found.height < _SMALL and max(picture.shape) > 1.3 * _SIDE:
        again = _look(picture, spec, _LARGER_SIDE, _WINDOW)
    return again if again is not None and again.pieces else found


def _look(picture: Colour, spec: WritingSpec, side: int, window: float) -> FoundRows | None:
    small, scale = sized(picture, side, _LEAST_SIDE)
    dark = ink_is_dark(grey_in(small, _EVEN), window)
    beside = ink_beside(grey_in(small, channels(small)[dark]), dark, window)
    found, contrast = _digits(beside, spec)
    return FoundRows(found, contrast, scale) if contrast else None


def _digits(beside: Beside, spec: WritingSpec) -> tuple[list[Piece], float]:
    """The digits, and how far ink stands out: 0 where nothing does."""
    ink = beside.ink
    peak = _peak(ink)
    if peak < max(255 * spec.faint, _GRAINS * beside.grain):
        return [], 0.0
    if beside.grain > _GRAINY * peak:
        ink = np.asarray(cv2.GaussianBlur(ink, (5, 5), 0), np.uint8)
    even = _even(ink, peak)
    printed = print_in(even, _usual_height(even, spec), spec)
    if printed is not None:
        ink = without_print(ink, printed)
        peak = _peak(ink)
        even = _even(ink, peak)
    return pieces(even, spec), peak / 255


def _usual_height(ink: Grey, spec: WritingSpec) -> float | None:
    """Of digits, in pixels: from half the picture, where that shows it."""
    if min(ink.shape) < 2:  # there is no half
        return usual_height(ink, spec)
    half = np.asarray(cv2.resize(ink, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    height = usual_height(half, spec)
    return usual_height(ink, spec) if height is None or height < _SMALL / 2 else 2 * height


def _peak(ink: Grey) -> float:
    return max(1.0, float(np.quantile(ink[::2, ::2], _PEAK)))


def _even(ink: Grey, peak: float) -> Grey:
    """The same as a share of the darkest ink around: a pencil's pressure and the light differ along a page."""
    return np.asarray(cv2.divide(ink, _peaks(ink, peak), scale=255), np.uint8)


def _peaks(ink: Grey, peak: float) -> Grey:
    shrink = max(1, max(ink.shape) // 128)
    small = np.ascontiguousarray(cv2.dilate(ink, np.ones((shrink, shrink), np.uint8))[::shrink, ::shrink])
    side = round(_WINDOW * max(small.shape)) | 1
    around = cv2.blur(cv2.dilate(cv2.medianBlur(small, 3), np.ones((side, side), np.uint8)), (side, side))
    wide = cv2.resize(around, ink.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(wide, np.uint8(max(1.0, _PALER * peak)), np.uint8(peak)), np.uint8)
