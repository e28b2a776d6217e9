"""What a file says of its picture before the first pixel, read in microseconds: how large it is, and whether its
decoding would cost far more than that tells."""

from models_store.pictures.formats import bmp, jpeg, png, webp
from models_store.pictures.formats.essence import Essence


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, as stored; None where that is no PNG, JPEG, WEBP or BMP, or its header is damaged."""
    if data.startswith(png.SIGNATURE):
        return png.size(data)
    if data.startswith(jpeg.SIGNATURE):
        return jpeg.size(data)
    if webp.is_webp(data):
        return webp.size(data)
    return bmp.size(data) if data.startswith(bmp.SIGNATURE) else None


def essence_of(data: bytes) -> Essence:
    """What of a file is needed for its pixels. Raises ImageRejected: `image_too_complex`, and `image_invalid` for a
    text that is a bomb."""
    if data.startswith(png.SIGNATURE):
        return png.essence(data)
    if data.startswith(jpeg.SIGNATURE):
        return jpeg.essence(data)
    if webp.is_webp(data):
        webp.check(data)
    elif data.startswith(bmp.SIGNATURE):
        bmp.check(data)
    return Essence(data)
