"""Bytes -> pixels: the only door by which a picture enters. It knows formats, limits and colours, no digits."""

import io
import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from models_store import ink
from models_store.errors import ImageRejected
from models_store.specs import InputSpec

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
_MIN_SIDE, _MAX_SIDE = 2, 8192  # pixels
_DRAFT_SIDE = 1024  # of digits: a JPEG with both sides above this is decoded at a half, quarter or eighth
_UNIT = (28, 28)  # MNIST's format

Image.MAX_IMAGE_PIXELS = None  # `open_picture` refuses large pictures itself, with an answer instead of a warning

Pixels = NDArray[np.uint8]


class Warned(StrEnum):
    """What a picture's answer should be read with."""

    BLANK_IMAGE = "blank_image"
    LOW_CONTRAST = "low_contrast"


@dataclass(frozen=True)
class Prepared:
    """What a model sees: uint8 [C, H, W], a digit's ink 255 on ground 0, and what was noticed on the way."""

    pixels: Pixels
    warnings: tuple[Warned, ...] = ()

    @property
    def is_blank(self) -> bool:
        """Nothing is on it, no ink or but one colour: no label means anything."""
        return Warned.BLANK_IMAGE in self.warnings


def prepare(data: bytes, spec: InputSpec, max_pixels: int = 16_000_000) -> Prepared:
    """Decodes one picture and makes it what the model was trained on. Raises ImageRejected.

    `digit`: MNIST's own format (28x28, one grey channel, median 0) passes untouched. Of any other picture the writing
    is taken: turned upright, laid on a ground where it is transparent, ink light on dark, scaled into 20x20 of 28x28
    with its centre of mass in the middle, as MNIST's authors did (yann.lecun.com/exdb/mnist).

    `picture`: turned upright, laid on white where it is transparent, scaled until it covers the model's shape, and cut
    in the middle.
    """
    return prepare_opened(open_picture(data, max_pixels), spec)


def prepare_opened(image: Image.Image, spec: InputSpec) -> Prepared:
    """`prepare` for a picture whose header `open_picture` has read; decodes its pixels. Raises ImageRejected."""
    if spec.preparation == "picture":
        return _whole(image, spec)
    unit = image.mode == "L" and image.size == _UNIT == (spec.width, spec.height)
    grey = grey_of(decoded(image, "L", _DRAFT_SIDE))
    if unit and np.median(grey) == 0:
        return Prepared(grey[None], (Warned.BLANK_IMAGE,) if grey.max() < ink.FAINT else ())
    found = ink.find(grey)
    if found is None:
        return Prepared(np.zeros(spec.shape, np.uint8), (Warned.BLANK_IMAGE,))
    pixels = ink.centred(found.strokes, spec.height, spec.width)
    return Prepared(pixels[None], (Warned.LOW_CONTRAST,) if found.contrast < ink.LOW_CONTRAST else ())


def to_png(pixels: Pixels) -> bytes:
    """uint8 [C, H, W] with one channel or three as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1)).save(buffer, "PNG")
    return buffer.getvalue()


def open_picture(data: bytes, max_pixels: int) -> Image.Image:
    """Reads a picture's header and no pixel. Raises ImageRejected for a foreign format, a bad header or a bad size."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise _unidentified(data) from None
    except _BROKEN:
        raise ImageRejected("image_invalid", "The picture is damaged. Save it again and resend it.") from None
    width, height = image.size
    if width * height > max_pixels:
        raise ImageRejected(
            "image_too_large",
            f"The picture has {width}x{height} pixels, more than {max_pixels / 1e6:g} million. Send a smaller one.",
        )
    if min(width, height) < _MIN_SIDE or max(width, height) > _MAX_SIDE:
        raise ImageRejected(
            "image_bad_dimensions",
            f"The picture has {width}x{height} pixels; each side must have {_MIN_SIDE} to {_MAX_SIDE}.",
        )
    return image


# What Pillow's decoders raise on bytes that are no picture; its texts are never shown, they hold heap addresses.
_BROKEN: tuple[type[Exception], ...] = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError, AttributeError),
    *(NotImplementedError, struct.error, zlib.error),
)


def _unidentified(data: bytes) -> ImageRejected:
    signatures = (b"\x89PNG", b"\xff\xd8\xff", b"BM")
    if data.startswith(signatures) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        return ImageRejected("image_invalid", "The picture is damaged. Save it again and resend it.")
    if _is_other_format(data):
        return ImageRejected(
            "unsupported_image_format", f"Only {', '.join(FORMATS)} pictures are read. Save yours as one of them."
        )
    return ImageRejected("image_invalid", "The bytes are no picture. Send a PNG, JPEG, WEBP or BMP file.")


_OTHER_FORMATS = (
    *(
        b"GIF8",
        b"8BPS",
        b"SIMPLE",
        b"%PDF",
        b"%!PS",
        b"\xc5\xd0\xd3\xc6",
    ),  # GIF, PSD, FITS, PDF, EPS with and without preview
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),  # TIFF and BigTIFF
    *(b"\0\0\1\0", b"\x76\x2f\x31\x01"),  # ICO, EXR
)


def _is_other_format(data: bytes) -> bool:
    if data.startswith(_OTHER_FORMATS) or data[4:12] in (b"ftypheic", b"ftypavif", b"ftypmif1"):
        return True
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<svg", b"<?xml", b"<!doctype", b"<html", b"<!--"))


def decoded(image: Image.Image, mode: str, side: int) -> Image.Image:
    """With its pixels, upright. `mode` is "L" where the colours are not needed, or "RGB"; a JPEG with both sides far
    above `side` is decoded smaller, but not below it."""
    if image.format in ("JPEG", "MPO") and image.mode in ("L", "RGB"):
        image.draft(mode, (side, side))
    try:
        image.load()
    except OSError as error:
        if "truncated" in str(error):
            raise ImageRejected("image_truncated", "The picture ends too early. Send the whole file.") from None
        raise ImageRejected("image_invalid", "The picture is damaged. Save it again and resend it.") from None
    except _BROKEN as error:
        file = getattr(image, "fp", None)
        if isinstance(error, SyntaxError) and file is not None and not file.read(1):  # a PNG cut inside a chunk's head
            raise ImageRejected("image_truncated", "The picture ends too early. Send the whole file.") from None
        raise ImageRejected("image_invalid", "The picture is damaged. Save it again and resend it.") from None
    try:
        return ImageOps.exif_transpose(image)
    except _BROKEN:  # a broken EXIF block says nothing about the picture
        return image


def _whole(image: Image.Image, spec: InputSpec) -> Prepared:
    """The picture itself, in the shape of `spec`: nothing is looked for in it."""
    mode = "L" if spec.channels == 1 else "RGB"
    image = decoded(image, mode, 2 * max(spec.height, spec.width))
    if image.mode.startswith("I"):
        image = Image.fromarray(grey_of(image))
    if image.has_transparency_data:
        image = image.convert("RGBA")  # scaled with its alpha: what is transparent lends no colour to its neighbours
    elif image.mode != mode:
        image = image.convert(mode)
    image = ImageOps.fit(image, (spec.width, spec.height), Image.Resampling.BICUBIC)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert(mode)
    pixels = np.array(image).reshape(spec.height, spec.width, spec.channels).transpose(2, 0, 1).copy()
    plain = int(np.ptp(pixels, axis=(1, 2)).max()) < ink.FAINT
    return Prepared(pixels, (Warned.BLANK_IMAGE,) if plain else ())


def grey_of(image: Image.Image) -> Pixels:
    """uint8 [H, W] of any mode that the four formats have."""
    if image.mode.startswith("I"):  # 16 bits: Pillow's own conversion clips everything above 255 to white
        return (np.asarray(image, np.int32).clip(0, 65535) >> 8).astype(np.uint8)
    if image.has_transparency_data:
        return _on_ground(image.convert("RGBA"))
    return np.asarray(image.convert("L"))


def _on_ground(image: Image.Image) -> Pixels:
    """Lays transparent ink on white where it is dark and on black where it is light."""
    shrink = max(image.size) // _DRAFT_SIDE
    if shrink > 1:
        image = image.reduce(shrink)
    layers = np.asarray(image.convert("LA"), np.float32)
    light, alpha = layers[..., 0], layers[..., 1] / 255
    opaque = float(alpha.sum())
    ground = 255.0 if opaque == 0 or float((light * alpha).sum()) / opaque < 128 else 0.0
    return (light * alpha + ground * (1 - alpha)).round().astype(np.uint8)
