"""Bytes -> an upright picture in grey or colour: formats, limits, transparency."""

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from models_store.errors import ImageRejected
from models_store.pictures.foreign import is_of_another_format

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
_MIN_SIDE, _MAX_SIDE = 2, 8192  # pixels
DRAFT_SIDE = 1024  # of digits: a JPEG with both sides above this is decoded at a half, quarter or eighth

Image.MAX_IMAGE_PIXELS = None  # `open_picture` refuses large pictures itself, with an answer instead of a warning

Pixels = NDArray[np.uint8]


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
    if is_of_another_format(data):
        return ImageRejected(
            "unsupported_image_format", f"Only {', '.join(FORMATS)} pictures are read. Save yours as one of them."
        )
    return ImageRejected("image_invalid", "The bytes are no picture. Send a PNG, JPEG, WEBP or BMP file.")


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
    image = _without_unused_alpha(image)
    try:
        return ImageOps.exif_transpose(image)
    except _BROKEN:  # a broken EXIF block says nothing about the picture
        return image


def _without_unused_alpha(image: Image.Image) -> Image.Image:
    """A BMP whose alpha is 0 everywhere is opaque: most programs that write 32 bits leave the fourth byte alone, and
    browsers read it so. In the other formats it is there only where somebody wanted it: what they hide stays hidden."""
    if image.format == "BMP" and image.mode == "RGBA" and not image.getchannel("A").getbbox():
        return image.convert("RGB")
    return image


def grey_of(image: Image.Image) -> Pixels:
    """uint8 [H, W] of any mode that the four formats have."""
    if image.mode.startswith("I"):  # 16 bits: Pillow's own conversion clips everything above 255 to white
        return (np.asarray(image, np.int32).clip(0, 65535) >> 8).astype(np.uint8)
    if image.has_transparency_data:
        return _on_ground(image.convert("RGBA"))
    return np.asarray(image.convert("L"))


def colour_of(image: Image.Image) -> Pixels:
    """uint8 [H, W, 3] of any mode that the four formats have; a grey picture three times the same."""
    if image.mode.startswith("I"):
        return np.repeat(grey_of(image)[..., None], 3, axis=2)
    if image.has_transparency_data:
        return _on_ground(image.convert("RGBA"), colours=True)
    return np.asarray(image.convert("RGB"))


def _on_ground(image: Image.Image, colours: bool = False) -> Pixels:
    """Lays transparent ink on white where it is dark and on black where it is light."""
    shrink = max(image.size) // DRAFT_SIDE
    if shrink > 1:
        image = image.reduce(shrink)
    layers = np.asarray(image if colours else image.convert("LA"), np.float32)
    light, alpha = layers[..., :-1], layers[..., -1:] / 255
    opaque = float(alpha.sum())
    mean = 0.0 if opaque == 0 else float((light * alpha).mean(2).sum()) / opaque
    ground = 255.0 if mean < 128 else 0.0
    laid = (light * alpha + ground * (1 - alpha)).round().astype(np.uint8)
    return laid if colours else laid[..., 0]
