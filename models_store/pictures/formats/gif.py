"""GIF by its blocks (CompuServe, GIF89a): the first frame alone, whose own rectangle is the picture.

What stands before it (comments, XMP, other programs' blocks) never reaches the decoder, which is asked for no second
frame.
"""

import struct
from typing import NamedTuple

from models_store.errors import ImageRejected
from models_store.pictures.formats.essence import Essence, too_complex

SIGNATURES = (b"GIF87a", b"GIF89a")
_SCREEN = 13  # bytes of signature and logical screen
_EXTENSION, _FRAME, _CONTROL = b"!", b",", 0xF9
_DESCRIPTOR = 10  # bytes of a frame's, its comma among them
_MOST_BLOCKS = 4096  # of at most 255 bytes before the first frame: a megabyte of comments
_PALETTE = 0x80  # a flag: colours follow


class _FirstFrame(NamedTuple):
    control: bytes  # the last graphic control before it: which colour is clear
    begin: int  # of its descriptor
    colours: bytes  # of the whole file, for a frame without colours of its own


def size(data: bytes) -> tuple[int, int] | None:
    """Width and height of the first frame; None where none is found."""
    try:
        found = _first(data)
    except ImageRejected:  # `essence` says so
        return None
    return None if found is None else struct.unpack_from("<HH", data, found.begin + 5)


def essence(data: bytes) -> Essence:
    """A GIF of the first frame and of what it needs. Raises ImageRejected where too much stands before it."""
    found = _first(data)
    if found is None:
        return Essence(data)
    sides = data[found.begin + 5 : found.begin + 9]
    frame = _FRAME + bytes(4) + data[found.begin + 5 :]
    return Essence(b"".join((data[:6], sides, data[10:_SCREEN], found.colours, found.control, frame)))


def _first(data: bytes) -> _FirstFrame | None:
    """The first frame; None where the file is damaged or ends before it."""
    if len(data) < _SCREEN:
        return None
    place = _SCREEN + _colours(data[10])
    colours, control, is_inside = data[_SCREEN:place], b"", False
    for _ in range(_MOST_BLOCKS):
        head = data[place : place + 3]
        if is_inside:  # an extension, whose last block is empty
            if not head:
                return None
            is_inside, place = head[0] > 0, place + 1 + head[0]
        elif head[:1] == _FRAME and place + _DESCRIPTOR <= len(data):
            return _FirstFrame(control, place, colours)
        elif head[:1] == _EXTENSION and len(head) == 3:
            if head[1] == _CONTROL and head[2] == 4 and data[place + 7 : place + 8] == b"\0":
                control = data[place : place + 8]
            is_inside, place = True, place + 2
        else:
            return None
    raise too_complex(f"has more than {_MOST_BLOCKS:,} blocks before its first frame")


def _colours(flags: int) -> int:
    """Bytes of the colours that follow, by the flags of a screen or a frame."""
    return 3 << (flags & 7) + 1 if flags & _PALETTE else 0
