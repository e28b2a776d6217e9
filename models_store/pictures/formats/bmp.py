"""BMP by its header (Microsoft's BITMAPFILEHEADER and those after it): its size, and whether its pixels are packed."""

import struct

from models_store.pictures.formats.essence import too_complex

SIGNATURE = b"BM"
_CORE = 12  # bytes of the oldest header, with sides of two bytes
_INFO = (40, 52, 56, 64, 108, 124)
_PACKED = (1, 2)  # RLE8 and RLE4, which Pillow unpacks in Python: 0.1 us a pixel and 1 us a run
_MOST_PIXELS = 2_500_000
_MOST_BYTES = 1 << 19


def size(data: bytes) -> tuple[int, int] | None:
    """Width and height; None where the file does not begin with a header that is known."""
    if len(data) < 26:
        return None
    (header,) = struct.unpack_from("<I", data, 14)
    if header == _CORE:
        width, height = struct.unpack_from("<HH", data, 18)
        return width, height
    if header not in _INFO:
        return None
    width, height = struct.unpack_from("<II", data, 18)
    return width, (1 << 32) - height if data[25] == 0xFF else height  # stored from the top


def check(data: bytes) -> None:
    """Raises ImageRejected where its pixels are packed and it is large."""
    sides = size(data)
    if sides is None or len(data) < 34 or struct.unpack_from("<I", data, 14)[0] == _CORE:
        return
    if struct.unpack_from("<I", data, 30)[0] not in _PACKED:
        return
    if len(data) > _MOST_BYTES or sides[0] * sides[1] > _MOST_PIXELS:
        raise too_complex("is a large BMP with run-length encoding", "Save it as PNG and resend it.")
