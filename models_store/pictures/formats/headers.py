"""What a file says of its picture before the first pixel, read in microseconds: how large it is, and whether its
decoding would cost far more than that tells."""

from collections.abc import Callable

from models_store.pictures.formats import bmp, gif, jpeg, png, tiff, webp
from models_store.pictures.formats.essence import Essence

Size = tuple[int, int]


def format_of(data: bytes) -> str | None:
    """In which format a file begins, as Pillow calls it; None for one that is not read."""
    for name, (is_one, _, _) in _FORMATS.items():
        if is_one(data):
            return name
    return None


def size_of(data: bytes) -> Size | None:
    """Width and height in pixels, as stored; None where that is in no format that is read, or its header is damaged."""
    name = format_of(data)
    return None if name is None else _FORMATS[name][1](data)


def essence_of(data: bytes) -> Essence:
    """What of a file is needed for its pixels. Raises ImageRejected: `image_too_complex`, `image_invalid` for a text
    that is a bomb, and what is wrong with a TIFF, whose parts lie anywhere in the file."""
    name = format_of(data)
    return Essence(data) if name is None else _FORMATS[name][2](data)


def _webp(data: bytes) -> Essence:
    webp.check(data)
    return Essence(data)


def _bmp(data: bytes) -> Essence:
    bmp.check(data)
    return Essence(data)


_FORMATS: dict[str, tuple[Callable[[bytes], bool], Callable[[bytes], Size | None], Callable[[bytes], Essence]]] = {
    "PNG": (lambda data: data.startswith(png.SIGNATURE), png.size, png.essence),
    "JPEG": (lambda data: data.startswith(jpeg.SIGNATURE), jpeg.size, jpeg.essence),
    "WEBP": (webp.is_webp, webp.size, _webp),
    "GIF": (lambda data: data.startswith(gif.SIGNATURES), gif.size, gif.essence),
    "TIFF": (tiff.is_tiff, tiff.size, tiff.essence),
    "BMP": (lambda data: data.startswith(bmp.SIGNATURE), bmp.size, _bmp),
}
