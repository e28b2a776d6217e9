"""How a picture is turned, by its EXIF block or its XMP packet: the one thing in them that is looked at.

Read here and not by Pillow, which copies every value that an EXIF block names, and lets them overlap.
"""

import re
import struct

UPRIGHT = 1
_TAG = 274  # EXIF 2.32, table 4: where the picture's first stored row and column belong
_WHOLE_NUMBERS = {3: "H", 4: "I", 8: "h", 9: "i"}  # TIFF 6.0: SHORT, LONG and the same with a sign
_MOST = 1000  # entries of a directory that are looked at; cameras write some forty
_SIGNATURE = b"Exif\0\0"
_IN_XMP = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')


def of_exif(block: bytes) -> int | None:
    """1 to 8, or whatever number stands there; None where the block has none or is damaged."""
    for _ in range(2):
        block = block.removeprefix(_SIGNATURE)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, start)
        for place in range(start + 2, start + 2 + 12 * min(count, _MOST), 12):
            tag, kind, values = struct.unpack_from(order + "HHI", block, place)
            if tag == _TAG:
                return _value(block, place + 8, order, kind) if values == 1 else None
    except struct.error:  # it ends too early
        pass
    return None


def of_xmp(packet: bytes) -> int | None:
    """The same by an XMP packet."""
    found = _IN_XMP.search(packet)
    return None if found is None else int(found[1])


def orientation_of(exif: bytes, xmp: bytes) -> int:
    """The same by both, of which EXIF is believed first; 1 where neither says it."""
    for found in (of_exif(exif), of_xmp(xmp)):
        if found is not None:
            return found
    return UPRIGHT


def _value(block: bytes, place: int, order: str, kind: int) -> int | None:
    form = _WHOLE_NUMBERS.get(kind)
    return None if form is None else int(struct.unpack_from(order + form, block, place)[0])
