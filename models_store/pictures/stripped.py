"""A person's picture -> a PNG of its pixels and of nothing else, small enough to be kept.

Where and when it was taken (EXIF), colour profiles, texts and previews are gone: they are metadata, never copied.
"""

import hashlib
import io
from dataclasses import dataclass

from PIL import Image

from models_store.pictures.contained import contained
from models_store.pictures.decode import decoded, grey_of, open_picture

LONGEST_SIDE = 1024  # pixels; preparation looks at less of any picture
THUMBNAIL_SIDE = 96
_LEVEL = 3  # of zlib: on photographs a third of the default's time for some percent more bytes
_SHORTEST_SIDE = 2  # what `open_picture` still takes
_PNG_MODES = ("1", "L", "LA", "RGB", "RGBA", "I;16")


@dataclass(frozen=True)
class Stripped:
    """A picture to keep, as PNG. The thumbnail is the picture itself where that is small already."""

    png: bytes
    thumbnail: bytes
    width: int
    height: int
    sha256: str  # of the pixels and their arrangement: the same for the same picture however it was packed


def strip(data: bytes, max_pixels: int = 16_000_000) -> Stripped:
    """Decodes one picture and packs it anew: upright, no side over LONGEST_SIDE, with its colours and transparency.

    What is no larger keeps every pixel, so `pictures.prepare` makes the same of it as of `data`. Raises ImageRejected.
    """
    with contained(data):
        return _packed(_shrunk(_plain(decoded(open_picture(data, max_pixels), "RGB", LONGEST_SIDE)), LONGEST_SIDE))


def _packed(image: Image.Image) -> Stripped:
    raw = image.tobytes()
    packed = _png(Image.frombytes(image.mode, image.size, raw))  # a new image: nothing but pixels comes along
    digest = hashlib.sha256(f"{image.mode} {image.width}x{image.height}\n".encode() + raw).hexdigest()
    small = packed if max(image.size) <= THUMBNAIL_SIDE else _png(_shrunk(image, THUMBNAIL_SIDE))
    return Stripped(packed, small, *image.size, digest)


def _plain(image: Image.Image) -> Image.Image:
    """In a mode that PNG has, without a palette; its `info` still holds whatever the file said."""
    if image.mode.startswith("I"):  # 16 bits; transparency is not looked at, as in preparation
        return image if image.mode == "I;16" else Image.fromarray(grey_of(image))
    if image.has_transparency_data:
        return image.convert("LA" if image.mode in ("1", "L", "LA") else "RGBA")
    return image if image.mode in _PNG_MODES else image.convert("RGB")


def _shrunk(image: Image.Image, side: int) -> Image.Image:
    if max(image.size) <= side:
        return image
    if image.mode in ("1", "I;16"):  # nothing can be averaged in the one, and the other would be clipped
        image = Image.fromarray(grey_of(image))
    factor = side / max(image.size)
    size = (max(_SHORTEST_SIDE, round(factor * image.width)), max(_SHORTEST_SIDE, round(factor * image.height)))
    shrunk = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    return Image.frombytes(shrunk.mode, shrunk.size, shrunk.tobytes())


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=_LEVEL)
    return buffer.getvalue()
