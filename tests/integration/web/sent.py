"""How requests with pictures are written, byte by byte."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.support.pictures import encoded, png, saved
from training.synthetic import strokes

ONE, MANY = "/v1/predict", "/v1/predict/batch"
EDGE = b"multipart/form-data; boundary=edge"


def drawn(label: int) -> bytes:
    """A digit in MNIST's format."""
    return png(strokes.unit(label, np.random.default_rng(label)))


SEVEN = drawn(7)
PAGE = png(strokes.on_paper(5, np.random.default_rng(5)))
NOISE = np.random.default_rng(1).integers(0, 256, (300, 300), np.uint8)
HUGE = SEVEN[:16] + struct.pack(">II", 60_000, 60_000) + SEVEN[24:29]
HUGE += struct.pack(">I", zlib.crc32(HUGE[12:])) + SEVEN[33:]


def request(
    target: str = ONE,
    body: bytes = SEVEN,
    kind: bytes | None = b"image/png",
    *lines: bytes,
    method: str = "POST",
    length: object = None,
) -> bytes:
    """One with a length, which may be another than its own."""
    head = [f"{method} {target} HTTP/1.1".encode(), b"Host: x", *lines]
    head += [] if kind is None else [b"Content-Type: " + kind]
    head.append(b"Content-Length: " + str(len(body) if length is None else length).encode())
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def part(
    content: bytes = SEVEN,
    name: str = "file",
    said: str = '; filename="7.png"',
    more: bytes = b"\r\nContent-Type: image/png",
) -> bytes:
    """A part of a form, and the end of its line."""
    head = f'Content-Disposition: form-data; name="{name}"{said}'.encode()
    return b"--edge\r\n" + head + more + b"\r\n\r\n" + content + b"\r\n"


def form(*parts: bytes, target: str = ONE, kind: bytes = EDGE, end: bytes = b"--edge--\r\n") -> bytes:
    """A request with these parts."""
    return request(target, b"".join(parts or (part(),)) + end, kind)


def bounded(edge: bytes) -> bytes:
    """A form with this boundary."""
    return form(part().replace(b"edge", edge), kind=EDGE.replace(b"edge", edge), end=b"--" + edge + b"--")


def batch(*pictures: bytes, query: str = "") -> bytes:
    """A request with these pictures, which are called 0.png, 1.png and so on."""
    parts = [part(one, "files", f'; filename="{place}.png"') for place, one in enumerate(pictures)]
    return form(*parts, target=MANY + query)


def pictures() -> Iterator[tuple[str, bytes]]:
    """Whole bodies."""
    unit = strokes.unit(3, np.random.default_rng(3))
    colours = Image.fromarray(unit).convert("RGBA")
    turned = bytearray(SEVEN)
    turned[-20] ^= 255
    yield from {
        "a digit": SEVEN,
        "a page": PAGE,
        "a page as JPEG": encoded(NOISE[:200], "JPEG"),
        "BMP": encoded(unit, "BMP"),
        "WEBP": encoded(unit, "WEBP", lossless=True),
        "GIF": encoded(unit, "GIF"),
        "alpha": saved(colours),
        "palette": saved(colours.convert("P")),
        "16 bits": saved(Image.fromarray(unit.astype(np.uint16) * 257)),
        "one bit": saved(Image.fromarray(unit > 99)),
        "interlaced sort": png(unit, dpi=(72, 72)),
        "blank": png(np.zeros((28, 28), np.uint8)),
        "a blank page": png(np.full((90, 60), 255, np.uint8)),
        "dark": png(255 - unit),
        "in a corner": png(np.roll(unit, 9, 1)),
        "a row more": png(np.vstack([unit, unit[:1]])),
        "cut": SEVEN[:-30],
        "cut early": SEVEN[:40],
        "turned": bytes(turned),
        "more behind": SEVEN + b"more",
        "huge": HUGE,
        "rubbish": b"rubbish",
        "empty": b"",
        "over 64 KiB": png(NOISE),
        "no pixels": SEVEN[:33] + SEVEN[-12:],
        "texts": SEVEN[:33] + b"\0\0\0\3tEXta\0b" + struct.pack(">I", zlib.crc32(b"tEXta\0b")) + SEVEN[33:],
    }.items()
