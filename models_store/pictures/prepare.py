"""Bytes -> pixels: the only door by which a picture enters. It takes the way that a version was trained with."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from models_store.pictures.contained import contained
from models_store.pictures.decode import DRAFT_SIDE, Pixels, colour_of, decoded, grey_of, open_picture
from models_store.pictures.layout import Ink, centred, lies_as_mnist
from models_store.pictures.one import writing
from models_store.pictures.release_0_1 import digit
from models_store.pictures.unit import SIDE
from models_store.pictures.warnings import PictureWarning
from models_store.pictures.whole import whole
from models_store.specs import InputSpec

_UNIT = (SIDE, SIDE)  # MNIST's format
_MOST_INK = SIDE * SIDE // 2 - 1  # pixels: the median of all is 0, the mean of the two in the middle
_LEAST = 5  # pixels of the longer side: the smallest digits that anyone draws have 3x5
_ENOUGH = 512  # pixels of both sides, in which a large JPEG is decoded: one digit is large enough in them
_FAINT = 24  # grey levels of 255 between ink and ground under which a picture is blank


@dataclass(frozen=True)
class Prepared:
    """What a model sees: uint8 [C, H, W], a digit's ink 255 on ground 0, and what was noticed on the way."""

    pixels: Pixels
    warnings: tuple[PictureWarning, ...] = ()

    @property
    def is_blank(self) -> bool:
        """Nothing is on it, no ink or but one colour: no label means anything."""
        return PictureWarning.BLANK_IMAGE in self.warnings

    @property
    def is_doubtful(self) -> bool:
        """Whether nobody can say which one thing on the picture is meant, however well it reads."""
        return self.is_blank or PictureWarning.SEVERAL_MARKS in self.warnings


def prepare(data: bytes, spec: InputSpec, max_pixels: int = 16_000_000) -> Prepared:
    """Decodes one picture and makes it what the model was trained on. Raises ImageRejected.

    `writing` and `digit`: MNIST's own format passes untouched: 28x28, one grey channel, median 0, large and with its
    mass in the middle. Of any other picture the writing is taken: turned upright, laid on a ground where it is
    transparent, ink light on dark, scaled into 20x20 of 28x28 with its centre of mass in the middle, as MNIST's authors
    did (yann.lecun.com/exdb/mnist). They differ in how the writing is found: `models_store.pictures.one.writing` and
    `models_store.pictures.release_0_1.digit` say how.

    `picture`: turned upright, laid on white where it is transparent, scaled until it covers the model's shape, and cut
    in the middle.
    """
    with contained(data):
        return prepare_opened(open_picture(data, max_pixels), spec)


def prepare_opened(image: Image.Image, spec: InputSpec) -> Prepared:
    """`prepare` for a picture whose header `open_picture` has read; decodes its pixels. Raises ImageRejected."""
    if spec.preparation == "picture":
        pixels = whole(image, spec)
        plain = int(np.ptp(pixels, axis=(1, 2)).max()) < _FAINT
        return Prepared(pixels, (PictureWarning.BLANK_IMAGE,) if plain else ())
    unit = as_it_is(image, spec)
    if unit is not None:
        return unit
    return _digit(image, spec) if spec.preparation == "digit" else _writing(image, spec)


def as_it_is(image: Image.Image, spec: InputSpec) -> Prepared | None:
    """A picture in MNIST's own format, untouched; None for any other. Raises ImageRejected."""
    if image.mode == "L" and image.size == _UNIT == (spec.width, spec.height):
        return in_mnists_format(grey_of(decoded(image, "L", DRAFT_SIDE)))
    return None


def as_given(pixels: Pixels) -> list[Prepared]:
    """Rows of uint8 [N, C, H, W] as the model sees them, whatever is on them: nothing is looked for or moved. What
    stands out from no ground is blank.
    """
    plain = np.ptp(pixels, axis=(2, 3)).max(axis=1, initial=0) < _FAINT
    return [
        Prepared(row, (PictureWarning.BLANK_IMAGE,) if blank else ()) for row, blank in zip(pixels, plain, strict=True)
    ]


def in_mnists_format(grey: Pixels) -> Prepared | None:
    """uint8 [28, 28] as the model sees it where it is MNIST's: light on black, large and in the middle, or empty."""
    if np.count_nonzero(grey) > _MOST_INK:
        return None
    if lies_as_mnist(grey):
        return Prepared(grey[None])
    return Prepared(grey[None], (PictureWarning.BLANK_IMAGE,)) if grey.max() < _FAINT else None


def _digit(image: Image.Image, spec: InputSpec) -> Prepared:
    found = digit.find(grey_of(decoded(image, "L", DRAFT_SIDE)))
    if found is None:
        return _blank(spec)
    return _laid_out(found.strokes, spec, {PictureWarning.LOW_CONTRAST: found.contrast < digit.LOW_CONTRAST})


def _writing(image: Image.Image, spec: InputSpec) -> Prepared:
    colours = colour_of(decoded(image, "RGB", _ENOUGH))
    found = writing.find(colours, spec.writing) if max(colours.shape) >= _LEAST else None
    if found is None:
        return _blank(spec)
    noticed = {
        PictureWarning.LOW_CONTRAST: found.contrast < spec.writing.low_contrast,
        PictureWarning.SEVERAL_MARKS: found.several,
    }
    return _laid_out(found.strokes, spec, noticed)


def _laid_out(strokes: Ink, spec: InputSpec, noticed: Mapping[PictureWarning, bool]) -> Prepared:
    pixels = centred(strokes, spec.height, spec.width)
    if not pixels.any():
        return _blank(spec)
    return Prepared(pixels[None], tuple(warned for warned, is_so in noticed.items() if is_so))


def _blank(spec: InputSpec) -> Prepared:
    return Prepared(np.zeros(spec.shape, np.uint8), (PictureWarning.BLANK_IMAGE,))
