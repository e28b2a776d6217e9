"""Bytes -> an upright picture in grey or colour: formats, limits, transparency."""

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.Image import Transpose

from models_store.errors import ImageRejected
from models_store.pictures.foreign import is_of_another_format
from models_store.pictures.formats import tiff
from models_store.pictures.formats.headers import essence_of, format_of, size_of
from models_store.pictures.formats.orientation import UPRIGHT, orientation_of

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
_MIN_SIDE, _MAX_SIDE = 2, 8192  # pixels
DRAFT_SIDE = 1024  # of digits: a JPEG with both sides above this is decoded at a half, quarter or eighth
_ORIENTATION = "orientation"  # in an opened picture's `info`
_UPRIGHT = {  # EXIF 2.32, tag 274: what turns it upright
    2: Transpose.FLIP_LEFT_RIGHT, 3: Transpose.ROTATE_180, 4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE, 6: Transpose.ROTATE_270, 7: Transpose.TRANSVERSE, 8: Transpose.ROTATE_90,
}  # fmt: skip
_SIDEWAYS = (5, 6, 7, 8)
_COLOURS = 256  # of a palette

Image.MAX_IMAGE_PIXELS = None  # `open_picture` refuses large pictures itself, with an answer instead of a warning

Pixels = NDArray[np.uint8]


def to_png(pixels: Pixels) -> bytes:
    """uint8 [C, H, W] with one channel or three as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1)).save(buffer, "PNG")
    return buffer.getvalue()


def open_picture(data: bytes, max_pixels: int) -> Image.Image:
    """Reads a picture's header and no pixel. Raises ImageRejected for a foreign format, a bad header, a bad size, and
    where decoding would cost far more than its size tells.

    How it is turned stands in its `info`, where `decoded` finds it.
    """
    name = format_of(data)
    if name is None:
        raise _unidentified(data)
    stored = size_of(data)
    if stored is not None:
        _check_size(*stored, max_pixels)
    essence = essence_of(data)
    try:
        image = Image.open(io.BytesIO(essence.data), formats=(name,))
    except UnidentifiedImageError:
        raise (tiff.unsupported("keeps its colours in a rare way") if name == "TIFF" else _damaged()) from None
    except _BROKEN:
        raise _damaged() from None
    _check_size(*image.size, max_pixels)
    if image.size != stored:  # whoever shared out time and memory has counted with what the header said
        raise _damaged()
    orientation = essence.orientation
    if image.format == "WEBP":
        orientation = orientation_of(image.info.get("exif", b""), image.info.get("xmp", b""))
    image.info[_ORIENTATION] = orientation
    return image


def _check_size(width: int, height: int, max_pixels: int) -> None:
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


def is_turned(image: Image.Image) -> bool:
    """Whether rows of an opened picture are columns of the upright one."""
    return image.info.get(_ORIENTATION) in _SIDEWAYS


# What Pillow's decoders raise on bytes that are no picture; its texts are never shown, they hold heap addresses.
_BROKEN: tuple[type[Exception], ...] = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError, AttributeError),
    *(NotImplementedError, struct.error, zlib.error),
)


def _unidentified(data: bytes) -> ImageRejected:
    if data.startswith(b"\x89PNG"):
        return _damaged()
    if is_of_another_format(data):
        return ImageRejected(
            "unsupported_image_format", f"Only {', '.join(FORMATS)} pictures are read. Save yours as one of them."
        )
    return ImageRejected(
        "image_invalid", f"The bytes are no picture. Send a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file."
    )


def _damaged() -> ImageRejected:
    return ImageRejected("image_invalid", "The picture is damaged. Save it again and resend it.")


def decoded(image: Image.Image, mode: str, side: int) -> Image.Image:
    """With its pixels, upright. `mode` is "L" where the colours are not needed, or "RGB"; a JPEG with both sides far
    above `side` is decoded smaller, but not below it."""
    if image.format == "JPEG" and image.mode in ("L", "RGB"):
        image.draft(mode, (side, side))
    try:
        image.load()
    except OSError as error:
        if "truncated" in str(error):
            raise ImageRejected("image_truncated", "The picture ends too early. Send the whole file.") from None
        raise _damaged() from None
    except _BROKEN as error:
        file = getattr(image, "fp", None)
        if isinstance(error, SyntaxError) and file is not None and not file.read(1):  # a PNG cut inside a chunk's head
            raise ImageRejected("image_truncated", "The picture ends too early. Send the whole file.") from None
        raise _damaged() from None
    if image.mode == "P" and not _has_colours(image):
        raise _damaged()
    upright = _UPRIGHT.get(image.info.get(_ORIENTATION, UPRIGHT))
    image = _without_unused_alpha(image)
    return image if upright is None else image.transpose(upright)


def _has_colours(image: Image.Image) -> bool:
    """Whether a picture of colour numbers has their colours, and no transparency of numbers that there can't be."""
    clear = image.info.get("transparency", 0)
    last = clear if isinstance(clear, int) else len(clear) - 1
    return image.palette is not None and last < _COLOURS


def _without_unused_alpha(image: Image.Image) -> Image.Image:
    """A BMP whose alpha is 0 everywhere is opaque: most programs that write 32 bits leave the fourth byte alone, and
    browsers read it so. In the other formats it is there only where somebody wanted it: what they hide stays hidden."""
    if image.mode == "La":
        return image.convert("LA")
    if image.format == "BMP" and image.mode == "RGBA" and not image.getchannel("A").getbbox():
        return image.convert("RGB")
    return image


def grey_of(image: Image.Image) -> Pixels:
    """uint8 [H, W] of any mode that the formats have."""
    if image.mode.startswith("I"):  # 16 bits: Pillow's own conversion clips everything above 255 to white
        return (np.asarray(image, np.int32).clip(0, 65535) >> 8).astype(np.uint8)
    if image.has_transparency_data:
        return _on_ground(image.convert("RGBA"))
    return np.asarray(image if image.mode == "L" else image.convert("L"))


def colour_of(image: Image.Image) -> Pixels:
    """uint8 [H, W, 3] of any mode that the formats have; a grey picture three times the same."""
    if image.mode.startswith("I"):
        return np.repeat(grey_of(image)[..., None], 3, axis=2)
    if image.has_transparency_data:
        return _on_ground(image.convert("RGBA"), colours=True)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))  # `convert` copies, whatever it is


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
