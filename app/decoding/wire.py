"""Frames between a process and its decoding children: a JSON header and bytes beside it.

No pickle: a codec that a picture has broken may write whatever it likes, and what comes is plain data or refused.
"""

import json
import struct
from dataclasses import dataclass
from typing import Any

_LENGTHS = struct.Struct(">II")  # of the header and of the bytes beside it
PREFIX_BYTES = _LENGTHS.size
_MAX_HEADER, _MAX_DATA = 16 * 2**20, 512 * 2**20  # bytes; a page with its candidates has 100 KiB


class Garbled(Exception):
    """What came is no frame of ours."""


@dataclass(frozen=True)
class Frame:
    """One message: what is asked or answered, and the bytes that it is about."""

    header: dict[str, Any]
    data: bytes | bytearray | memoryview = b""


def packed(frame: Frame) -> bytes:
    """All of a frame but its `data`, which follows as it is."""
    header = json.dumps(frame.header, separators=(",", ":")).encode()
    return _LENGTHS.pack(len(header), len(frame.data)) + header


def lengths(prefix: bytes) -> tuple[int, int]:
    """The bytes of header and data that follow the first PREFIX_BYTES of a frame. Raises Garbled."""
    header, data = _LENGTHS.unpack(prefix)
    if header > _MAX_HEADER or data > _MAX_DATA:
        raise Garbled("the frame is too long")
    return header, data


def frame(header: bytes, data: bytes | bytearray) -> Frame:
    """The frame of a header as it was sent. Raises Garbled."""
    try:
        said = json.loads(header)
    except (ValueError, RecursionError):
        raise Garbled("the header is no JSON") from None
    if not isinstance(said, dict):
        raise Garbled("the header is no object")
    return Frame(said, data)
