"""What attackers send, and what honest people do: drawn here, the same each time, nothing taken from elsewhere.

Sizes are arguments, so that tests make small ones; the defaults are as large as the service's own limits let through.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from benchmarks.camera import scene
from benchmarks.hostile import jpeg
from models_store.pictures.decode import to_png
from training.synthetic import strokes

Grey = NDArray[np.uint8]
SIDE = 4000  # pixels: 16 megapixels
BODY_BYTES = 9_900 * 1024  # just below what a body may have


def small(number: int = 7) -> bytes:
    """A digit in MNIST's format: a PNG of 28x28."""
    return to_png(strokes.unit(number % 10, np.random.default_rng(number))[None])


def drawing(number: int = 7) -> bytes:
    """A digit as it is drawn on the page's canvas: a PNG of 280x280."""
    return to_png(strokes.on_paper(number % 10, np.random.default_rng(number), (280, 280), 170)[None])


def large_webp(side: int = SIDE) -> bytes:
    """A sheet full of digits, as WEBP."""
    return _saved(sheet(side, side, side // 40), "WEBP", quality=80)


def photographs(count: int = 3) -> Sequence[bytes]:
    """JPEG of up to twelve megapixels from a phone."""
    digits = [strokes.unit(number, np.random.default_rng(number)) for number in range(count)]
    return [scene.photograph(digit, "large_photo", np.random.default_rng(n)) for n, digit in enumerate(digits)]


@lru_cache
def photograph(megapixels: int = 12, number: int = 0) -> bytes:
    """A JPEG of four to three with so many megapixels, as a phone saves it."""
    digit = strokes.unit(number % 10, np.random.default_rng(number))
    taken = Image.open(io.BytesIO(scene.photograph(digit, "large_photo", np.random.default_rng(number))))
    unit = round((megapixels * 10**6 / 12) ** 0.5)
    return _saved(ImageOps.fit(taken, (4 * unit, 3 * unit)), "JPEG", quality=88)


def page(digits: int = 200, height: int = 56) -> bytes:
    """An honest page: so many digits in rows of ten, as a JPEG."""
    rows = -(-digits // 10)
    paper = sheet(2 * height * (rows + 1), 2 * height * 11, height, digits)
    return _saved(paper, "JPEG", quality=88)


def noise(side: int = 3900) -> bytes:
    """Each pixel ink or none at random: thousands of marks, none of which is a digit."""
    ink = np.random.default_rng(1).random((side, side)) < 0.5
    return _saved(Image.fromarray(ink), "PNG")


def texts_png(chunks: int = 14, megabytes: int = 1) -> bytes:
    """A small picture with compressed texts before its pixels: a kilobyte each, which Pillow unpacks to a megabyte."""
    picture = small()
    packed = zlib.compress(bytes(megabytes * 2**20), 9)
    texts = b"".join(_chunk(b"zTXt", b"k%d\0\0" % number + packed) for number in range(chunks))
    head = 8 + 12 + 13  # signature, IHDR
    return picture[:head] + texts + picture[head:]


def scans_jpeg(side: int = SIDE, scans: int = 1000) -> bytes:
    """62 KB that keep a decoder busy for most of a minute."""
    return jpeg.of_scans(side, side, scans)


def rle_bmp(side: int = 2240) -> bytes:
    """A run-length coded BMP in which every run has one pixel: Pillow reads those in Python."""
    levels = np.random.default_rng(1).integers(0, 256, (side, side), np.uint8)
    runs = np.stack([np.ones_like(levels), levels], axis=2)
    ends = np.zeros((side, 2), np.uint8)  # end of line
    data = np.concatenate([runs.reshape(side, -1), ends], axis=1).tobytes() + b"\x00\x01"
    palette = bytes(value for level in range(256) for value in (level, level, level, 0))
    begin = 14 + 40 + len(palette)
    head = struct.pack("<2sIHHI", b"BM", begin + len(data), 0, 0, begin)
    return head + struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(data), 2835, 2835, 256, 0) + palette + data


def blank_webps(count: int = 256, side: int = SIDE) -> bytes:
    """A zip of so many empty sheets of 16 megapixels each, in some fifty kilobytes."""
    empty = _saved(Image.new("L", (side, side), 255), "WEBP", quality=1)
    return _zip({f"{number}.webp": empty for number in range(count)}, zipfile.ZIP_DEFLATED)


def expanding(megabytes: int = 60, members: int = 8, prefix: str = "") -> bytes:
    """A small zip that unpacks to so much: BMP pictures of one level. With the prefix "7/" they are all labelled 7."""
    side = int((megabytes * 2**20 / members / 3) ** 0.5)
    file = _saved(Image.new("RGB", (side, side), "white"), "BMP")
    return _zip({f"{prefix}{number}.bmp": file for number in range(members)}, zipfile.ZIP_DEFLATED)


def data_set(picture: Callable[[], bytes], count: int, suffix: str) -> bytes:
    """A labelled zip for /v1/files: the same picture so many times."""
    file = picture()
    return _zip({f"{number % 10}/{number}.{suffix}": file for number in range(count)}, zipfile.ZIP_STORED)


def form(fields: dict[str, bytes], boundary: str = "edge7MA4YWxk") -> bytes:
    """A multipart body; the field `file` is one."""
    parts = []
    for name, value in fields.items():
        named = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        parts += [named.encode(), b'; filename="x"' if name == "file" else b"", b"\r\n\r\n", value, b"\r\n"]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()])


def sheet(rows: int, columns: int, height: int, digits: int = 200) -> Image.Image:
    """Paper of so many pixels with digits of that height in rows of ten, a little uneven and grainy."""
    rng = np.random.default_rng([rows, columns, digits])
    paper = np.full((rows, columns), 240.0, np.float32)
    for number in range(digits):
        ink = strokes.digit(number % 10, height, rng)
        row, column = divmod(number, 10)
        top, left = round((2 * row + 1) * height), round((2 * column + 1) * height)
        if top + ink.shape[0] < rows and left + ink.shape[1] < columns:
            paper[top : top + ink.shape[0], left : left + ink.shape[1]] -= 200 * ink
    grain = cv2.resize(rng.normal(0, 6, (rows // 4, columns // 4)).astype(np.float32), (columns, rows))
    return Image.fromarray((paper + grain).clip(0, 255).astype(np.uint8))


def _saved(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _zip(members: dict[str, bytes], way: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", way) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
