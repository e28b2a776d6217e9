"""Cuts apart what is too wide for one digit, where the least ink is crossed: a reader says whether it is two."""

from dataclasses import dataclass

import cv2
import numpy as np

from models_store.pictures.ground import Ink
from models_store.pictures.many.pieces import Piece
from models_store.pictures.marks import BoundingBox

_PERHAPS, _TOUCHING = 0.75, 1.25  # of a digit's height: few single digits are wider, and none
_SLANTS = (0.0, 0.25, 0.5, -0.25)  # of a cut: pixels to the left for each one down
_TWO = 0.75  # of a digit's height: two that touch are at least as wide apart


@dataclass(frozen=True)
class CutPiece:
    """A digit: its box, its ink 0..1 in that box, and whether it is too wide to be one only, so that two may touch.

    `parts` are what it falls into where it is wide: a reader says whether they or the whole are digits.
    """

    box: BoundingBox
    strokes: Ink
    touching: bool = False
    parts: tuple["CutPiece", ...] = ()


def cut(piece: Piece) -> CutPiece:
    """The same with its parts, where it is wide: cut upright or slanted."""
    own, (tall, width) = max(piece.usual, piece.box.height), piece.strokes.shape
    if width <= _PERHAPS * own:
        return CutPiece(piece.box, piece.strokes)
    count = max(2, round(width / (_TWO * piece.usual)))
    step = width / count
    y, x = np.mgrid[:tall, :width].astype(np.float32)
    parts, rest = [], piece.strokes
    for i in range(1, count):
        slant, place = min(_crossed(rest, slant, i * step, 0.3 * step, piece.usual) for slant in _SLANTS)[1:]
        left = x + slant * (y - tall / 2) < place
        parts.append(_part(piece.box, np.where(left, rest, 0).astype(np.float32)))
        rest = np.where(left, 0, rest).astype(np.float32)
    parts.append(_part(piece.box, rest))
    found = tuple(part for part in parts if part is not None)
    return CutPiece(piece.box, piece.strokes, width > _TOUCHING * own, found)


def _crossed(strokes: Ink, slant: float, middle: float, reach: float, height: float) -> tuple[float, float, float]:
    """The least ink that a slanted cut near `middle` crosses, the slant, and where; farther off costs more."""
    tall, width = strokes.shape
    there = np.array([[1, slant, -slant * tall / 2], [0, 1, 0]], np.float32)
    columns = cv2.warpAffine(strokes, there, (width, tall)).sum(0)
    places = np.arange(max(1, round(middle - reach)), min(width - 1, round(middle + reach)) + 1)
    cost = columns[places] + 0.1 * height * np.abs(places - middle) / reach + 0.1 * height * abs(slant)
    best = int(cost.argmin())
    return float(cost[best]), slant, float(places[best])


def _part(box: BoundingBox, strokes: Ink) -> CutPiece | None:
    """What of the strokes in a box is left of it; None where that is nothing."""
    rows, columns = np.flatnonzero(strokes.any(1)), np.flatnonzero(strokes.any(0))
    if not len(rows):
        return None
    inner = strokes[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    top, left = box.top + int(rows[0]), box.left + int(columns[0])
    return CutPiece(BoundingBox(top, left, top + inner.shape[0], left + inner.shape[1]), inner, touching=True)
