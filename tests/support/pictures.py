"""Pictures made for tests: arrays as files."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def png(pixels: NDArray[np.uint8], **options: object) -> bytes:
    """A grey [H, W] or colour [H, W, 3] array as a PNG file."""
    return encoded(pixels, "PNG", **options)


def encoded(pixels: NDArray[np.uint8], kind: str, **options: object) -> bytes:
    """The same in any format that Pillow writes."""
    return saved(Image.fromarray(pixels), kind, **options)


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """A Pillow image of any mode as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
