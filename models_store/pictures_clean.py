"""A person's picture as it is kept: its pixels, the right way up, and nothing else. It knows no digits and no models.

What a camera or a program wrote beside the pixels (place, time, device, thumbnails, colour profiles) is left behind.
"""

import io

from PIL import Image

from models_store.pictures import decoded, grey_of

LONGEST_SIDE = 1024  # pixels: no preparation looks closer
_LEVEL = 3  # of zlib: on photographs a third of the default's time for some percent more bytes


def clean_png(image: Image.Image) -> bytes:
    """`clean` as a PNG file."""
    return to_png_file(clean(image))


def clean(image: Image.Image) -> Image.Image:
    """The pixels of a picture that `open_picture` has opened: upright, at most LONGEST_SIDE, without any metadata.

    The mode is L, LA, RGB or RGBA. A picture in MNIST's format keeps every bit. Raises ImageRejected.
    """
    image = decoded(image, "L" if image.mode == "L" else "RGB", LONGEST_SIDE)
    if image.mode.startswith("I"):
        image = Image.fromarray(grey_of(image))
    image = image.convert(_mode(image))
    if max(image.size) > LONGEST_SIDE:
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return Image.frombytes(image.mode, image.size, image.tobytes())  # an image of its own has nothing but pixels


def to_png_file(image: Image.Image) -> bytes:
    """What `clean` gave as a PNG file that holds nothing but it."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=_LEVEL)
    return buffer.getvalue()


def _mode(image: Image.Image) -> str:
    grey = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        return "LA" if grey else "RGBA"
    return "L" if grey else "RGB"
