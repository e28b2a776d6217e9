"""Bytes -> the digits of a whole page, each as a version was trained to see it. A reader tells it how sure it is, and
it says which of the digits that it cut apart are two, and in which order all are read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from models_store.pictures.decode import DRAFT_SIDE, Pixels, colour_of, decoded, is_turned
from models_store.pictures.layout import centred, thickened
from models_store.pictures.many import rows
from models_store.pictures.many.cut import CutPiece, cut
from models_store.pictures.many.order import lines_of
from models_store.pictures.marks import BoundingBox
from models_store.pictures.prepare import as_it_is
from models_store.pictures.warnings import PictureWarning
from models_store.preparation import WritingSpec
from models_store.specs import InputSpec

MOST_DIGITS = 256  # of one page
_WELL = 0.9  # confidence of a wide mark that is not cut
_TWO = 0.3  # confidence of the most doubtful part, from which a mark too wide for one digit is cut
_TOO = 0.6  # confidence of all of a wide mark's parts, from which they may be digits


@dataclass(frozen=True)
class DigitCandidate:
    """What may be a digit: where, in pixels of the upright picture as it was sent, and whether another touches it."""

    box: BoundingBox
    touching: bool = False
    parts: tuple[int, ...] = ()  # candidates that are read in its place where they read better


@dataclass(frozen=True)
class PreparedPage:
    """Candidates, those that are whole first, and what a model sees of each: uint8 [N, C, H, W]."""

    width: int
    height: int
    pixels: Pixels
    candidates: tuple[DigitCandidate, ...]
    wholes: int
    warnings: tuple[PictureWarning, ...]

    def lines(self, confidences: Sequence[float]) -> list[list[list[int]]]:
        """Lines from top to bottom, their numbers, and the places of these numbers' digits among the candidates.

        A wide mark that does not read well is cut where the most doubtful of its parts reads better; one that is too
        wide to be one digit, wherever its parts can be read.
        """
        chosen: list[int] = []
        for i, candidate in enumerate(self.candidates[: self.wholes]):
            worst = self._worst(i, confidences)
            cut = worst > _TWO if candidate.touching else _WELL > confidences[i] < worst
            chosen += candidate.parts if cut else [i]
        lines = lines_of([self.candidates[i].box for i in chosen[:MOST_DIGITS]])
        return [[[chosen[k] for k in number] for number in line] for line in lines]

    def touches(self, i: int, confidences: Sequence[float]) -> bool:
        """Whether a candidate may be two digits, or half of what is one: it is too wide, or its parts read well too."""
        return self.candidates[i].touching or self._worst(i, confidences) > _TOO

    def _worst(self, i: int, confidences: Sequence[float]) -> float:
        return min((confidences[part] for part in self.candidates[i].parts), default=0.0)


def page_of(image: Image.Image, spec: InputSpec) -> PreparedPage:
    """The page of a picture whose header `open_picture` has read; decodes its pixels. Raises ImageRejected.

    A picture in MNIST's own format is one digit, untouched. A version of the preparation `digit` gets its digits as
    one of `writing` does: they are small, and `digit` has no way of its own to find them.
    """
    full = image.size
    unit = as_it_is(image, spec)
    if unit is not None:
        inked = () if unit.is_blank else (DigitCandidate(_inked(unit.pixels[0])),)
        return PreparedPage(*full, unit.pixels[None][: len(inked)], inked, len(inked), unit.warnings)
    upright = decoded(image, "RGB", DRAFT_SIDE)
    if is_turned(image):
        full = full[::-1]
    picture = colour_of(upright)
    found = rows.find(picture, spec.writing)
    if found is None or not found.pieces:
        nothing = PictureWarning.BLANK_IMAGE if found is None else PictureWarning.NOTHING_FOUND
        return PreparedPage(*full, np.empty((0, *spec.shape), np.uint8), (), 0, (nothing,))
    lines = lines_of([piece.box for piece in found.pieces])
    order = [i for line in lines for number in line for i in number]
    wholes = [cut(found.pieces[i]) for i in order[:MOST_DIGITS]]
    marks, candidates = _candidates(wholes, found.scale * picture.shape[1] / full[0], full)
    noticed = {
        PictureWarning.LOW_CONTRAST: found.contrast < spec.writing.low_contrast,
        PictureWarning.TOO_MANY_MARKS: len(order) > MOST_DIGITS,
    }
    warnings = tuple(warned for warned, is_so in noticed.items() if is_so)
    pixels = np.stack([_laid_out(mark, spec, spec.writing) for mark in marks])
    return PreparedPage(*full, pixels, tuple(candidates), len(wholes), warnings)


def _candidates(
    wholes: Sequence[CutPiece], scale: float, full: tuple[int, int]
) -> tuple[list[CutPiece], list[DigitCandidate]]:
    """The wholes and after them their parts, and both as candidates. `scale` is from `full` pixels to theirs."""
    marks, parts_of = list(wholes), []
    for whole in wholes:
        parts_of.append(tuple(range(len(marks), len(marks) + len(whole.parts))))
        marks += whole.parts
    parts_of += [()] * (len(marks) - len(wholes))
    return marks, [
        DigitCandidate(_scaled(mark.box, scale, full), mark.touching, parts)
        for mark, parts in zip(marks, parts_of, strict=True)
    ]


def _laid_out(mark: CutPiece, spec: InputSpec, writing: WritingSpec) -> Pixels:
    return centred(thickened(mark.strokes, writing.thin), spec.height, spec.width)[None]


def _scaled(box: BoundingBox, scale: float, full: tuple[int, int]) -> BoundingBox:
    left, right = _between(box.left / scale, box.right / scale, full[0])
    top, bottom = _between(box.top / scale, box.bottom / scale, full[1])
    return BoundingBox(top, left, bottom, right)


def _between(low: float, high: float, side: int) -> tuple[int, int]:
    """Whole pixels of a side that has so many: one at least, however small a mark was that was looked at enlarged."""
    first = min(side - 1, max(0, round(low)))
    return first, min(side, max(first + 1, round(high)))


def _inked(unit: Pixels) -> BoundingBox:
    y, x = np.nonzero(unit)
    return BoundingBox(int(y.min()), int(x.min()), int(y.max()) + 1, int(x.max()) + 1)
