"""WEBP by its chunks (RIFF, Google's container specification): its size, and how many it has."""

import struct

from models_store.pictures.formats.essence import too_complex

_MOST_CHUNKS = 2000  # a film of 2,000 frames; a picture has one to six


def is_webp(data: bytes) -> bool:
    """Whether it begins as one."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def size(data: bytes) -> tuple[int, int] | None:
    """Width and height of the canvas; None where the file does not begin with a header."""
    kind = data[12:16]
    if kind == b"VP8L" and len(data) >= 25 and data[20] == 0x2F:  # of a few pixels the whole file has 28 bytes
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if len(data) < 30:
        return None
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def check(data: bytes) -> None:
    """Raises ImageRejected where it has far more chunks than a picture."""
    place = 12
    for _ in range(_MOST_CHUNKS):
        if place + 8 > len(data):
            return
        (length,) = struct.unpack_from("<I", data, place + 4)
        place += 8 + length + (length & 1)
    raise too_complex(f"has more than {_MOST_CHUNKS:,} frames or chunks", "Save one frame as PNG and resend it.")
