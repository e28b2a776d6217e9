"""MNIST's own format as PNG, read at once: what `decode` reads of it too, at a sixth of the time."""

import zlib

import cv2
import numpy as np

from models_store.pictures.layout import Grey

SIDE = 28  # pixels
_ROW = 1 + SIDE  # bytes: the filter's number, and a row's pixels (W3C PNG, third edition, 9.2)
_ROWS = SIDE * _ROW
_FILTERS = 5
_BEGIN = (  # signature and header of 28x28 in 8 bits of grey, not interlaced, and the place of the first chunk's length
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + 2 * SIDE.to_bytes(4, "big") + b"\x08\0\0\0\0"
)
_START = _BEGIN + zlib.crc32(_BEGIN[12:]).to_bytes(4, "big")
_END = b"\0\0\0\0IEND" + zlib.crc32(b"IEND").to_bytes(4, "big")
_WINDOW = b"\x20"  # 1 KiB, all rows (RFC 1950, 2.2): looking back further, libpng would complain on standard error
_AROUND = 12  # bytes of a chunk beside its content
_MOST = 2048  # bytes: 784 pixels that nothing compresses have under 900


def unit_of(data: bytes) -> Grey | None:
    """uint8 [28, 28] of a PNG in 8 bits of grey that has nothing but pixels, in one chunk; None for any other file, and
    for one that is damaged in any way: `decode` tells how.
    """
    if len(data) > _MOST or not data.startswith(_START) or not data.endswith(_END):
        return None
    start, end = len(_START), len(data) - len(_END)
    chunk = data[start + 4 : end - 4]
    length = int.from_bytes(data[start : start + 4], "big")
    if length != end - start - _AROUND or not chunk.startswith(b"IDAT") or chunk[4:5] < _WINDOW:
        return None
    if zlib.crc32(chunk) != int.from_bytes(data[end - 4 : end], "big"):
        return None
    inflate = zlib.decompressobj()
    try:
        rows = inflate.decompress(chunk[4:], _ROWS + 1)
    except zlib.error:
        return None
    if not inflate.eof or inflate.unused_data or len(rows) != _ROWS or max(rows[::_ROW]) >= _FILTERS:
        return None
    grey = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return np.asarray(grey, np.uint8) if grey is not None and grey.shape == (SIDE, SIDE) else None
