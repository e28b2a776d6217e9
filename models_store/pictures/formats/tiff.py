"""TIFF by its first directory (Adobe TIFF 6.0, sections 2 to 22): its size, and a file with that directory alone.

The directory is written anew with the few entries that pixels need, each of which was looked at: no other one, no text
and no second page reaches libtiff. BigTIFF, cameras' own files and rare ways to pack pixels are other formats.
"""

import math
import struct

from models_store.errors import ImageRejected
from models_store.pictures.formats import jpeg
from models_store.pictures.formats.essence import Essence, too_complex

SIGNATURES = (b"II*\0", b"MM\0*")
_CAMERA = b"CR\x02"  # Canon's, behind the header
_FORMS = {1: (1, "B"), 3: (2, "H"), 4: (4, "I"), 7: (1, "B")}  # BYTE, SHORT, LONG, UNDEFINED
_ENTRY, _MOST_ENTRIES = 12, 1000  # bytes; programs write some twenty entries, cameras some hundred
_MOST_PARTS = 50_000  # strips or tiles: 8,192 rows of six channels, each for itself
_MOST_VALUES = 3 << 16  # of any other entry: the colours of 16 bits
_MOST_OVERLAP = 2  # times the file that all strips may have together; honest ones share no byte
_LEAST_TILE = 1 << 20  # pixels that tiles may have together, however small the picture is in them
_KIND, _WIDTH, _HEIGHT, _BITS, _PACKING, _COLOURS, _ORDER, _ORIENTATION = 254, 256, 257, 258, 259, 262, 266, 274
_STRIPS, _SAMPLES, _ROWS, _STRIP_BYTES, _PLANES, _PALETTE, _EXTRA = 273, 277, 278, 279, 284, 320, 338
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _SIGNS, _TABLES, _DNG = 322, 323, 324, 325, 339, 347, 50706
_T4, _PREDICTOR, _SUBSAMPLING = 292, 317, 530
_SEEN = frozenset((
    _KIND, _WIDTH, _HEIGHT, _BITS, _PACKING, _COLOURS, _ORDER, _ORIENTATION, _STRIPS, _SAMPLES, _ROWS, _STRIP_BYTES,
    _PLANES, _PALETTE, _EXTRA, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _SIGNS, _TABLES, _DNG, _T4, _PREDICTOR,
    _SUBSAMPLING,
))  # fmt: skip
_NOT_PIXELS = (_KIND, _ORIENTATION, _DNG, _SIGNS)
_JPEG = 7
_PACKINGS = (1, 2, 3, 4, 5, _JPEG, 8, 32773, 32946)  # none, CCITT's three, LZW, JPEG, deflate, PackBits, old deflate
_COLOUR_KINDS = (0, 1, 2, 3, 5, 6)  # grey from white or black, RGB, colour numbers, CMYK, YCbCr
_YCBCR = 6
_DEPTHS = (1, 2, 4, 8, 16)

Directory = dict[int, tuple[int, ...]]


def is_tiff(data: bytes) -> bool:
    """Whether it begins as one that is no camera's own."""
    return data.startswith(SIGNATURES) and data[8:11] != _CAMERA


def size(data: bytes) -> tuple[int, int] | None:
    """Width and height of the first page, as stored; None where that is not said."""
    found = _directory(data, frozenset((_WIDTH, _HEIGHT)))
    if len(found) < 2:
        return None
    return found[_WIDTH][0], found[_HEIGHT][0]


def essence(data: bytes) -> Essence:
    """A TIFF of the first page's pixels. Raises ImageRejected: `image_too_complex`, `image_invalid`, `image_truncated`,
    and `unsupported_image_format` for a way to keep pixels that is not read."""
    found = _directory(data, _SEEN)
    if _WIDTH not in found or _HEIGHT not in found:
        raise _cut_or_damaged(data)
    _check_kind(found)
    _check_parts(data, found)
    orientation = found.get(_ORIENTATION, (1,))[0]
    entries = {tag: values for tag, values in found.items() if tag not in _NOT_PIXELS}
    return Essence(_written(data, entries), orientation)


def _order(data: bytes) -> str:
    return "<" if data.startswith(b"II") else ">"


def _directory(data: bytes, wanted: frozenset[int]) -> Directory:
    """The wanted entries that are whole numbers, the first one of each; empty where the file ends before them."""
    found: Directory = {}
    order = _order(data)
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, start)
        for place in range(start + 2, start + 2 + _ENTRY * min(count, _MOST_ENTRIES), _ENTRY):
            tag, kind, number = struct.unpack_from(order + "HHI", data, place)
            if tag not in wanted or tag in found or kind not in _FORMS:
                continue
            length, form = _FORMS[kind]
            if not 0 < number <= _MOST_VALUES:
                continue
            if number * length > 4:
                (at,) = struct.unpack_from(order + "I", data, place + 8)
            else:
                at = place + 8
            found[tag] = struct.unpack_from(f"{order}{number}{form}", data, at)
    except struct.error:  # it ends too early
        return {}
    return found


def _check_kind(found: Directory) -> None:
    """Raises ImageRejected for what is no picture of one page, and for levels that are no plain ones."""
    is_preview = found.get(_KIND, (0,))[0] & 1
    bits = set(found.get(_BITS, (1,)))
    colours = found.get(_COLOURS, (0,))[0]
    if is_preview or _DNG in found:
        raise unsupported("is a camera's own file")
    if found.get(_PACKING, (1,))[0] not in _PACKINGS:
        raise unsupported("has a rare kind of packing")
    if colours == _YCBCR and found.get(_PACKING, (1,))[0] != _JPEG:
        raise unsupported("colours as YCbCr that are not packed as JPEG")  # Pillow takes shared ones for everyone's own
    if colours not in _COLOUR_KINDS or set(found.get(_SIGNS, (1,))) != {1}:
        raise unsupported("has levels that are no plain ones, such as fractions, or colours as L*a*b*")
    if len(bits) != 1 or not bits <= set(_DEPTHS) or (bits == {16} and colours in (0, 3)):
        raise unsupported("has levels of an unusual number of bits")


def _check_parts(data: bytes, found: Directory) -> None:
    """Raises ImageRejected where strips or tiles are missing, lie behind the file, or cost more than they tell."""
    width, height = found[_WIDTH][0], found[_HEIGHT][0]
    planes = found.get(_SAMPLES, (1,))[0] if found.get(_PLANES, (1,))[0] == 2 else 1
    is_tiled = _TILES in found or _STRIPS not in found
    starts, lengths = (found.get(tag, ()) for tag in ((_TILES, _TILE_BYTES) if is_tiled else (_STRIPS, _STRIP_BYTES)))
    across, down = (found.get(tag, (0,))[0] for tag in (_TILE_WIDTH, _TILE_HEIGHT))
    if not is_tiled:
        across, down = width, min(found.get(_ROWS, (height,))[0], height)
    if not (across and down and width and height) or not starts or len(starts) != len(lengths):
        raise _damaged()
    pieces = math.ceil(width / across) * math.ceil(height / down)
    if pieces * planes > _MOST_PARTS or len(starts) > _MOST_PARTS:
        raise too_complex("has too many strips or tiles")
    if is_tiled and pieces * across * down > max(_LEAST_TILE, 4 * width * height):
        raise too_complex("has far larger tiles than its pixels need")
    if len(starts) < pieces * planes:
        raise _damaged()
    ends = [start + length for start, length in zip(starts, lengths, strict=True)]
    if max(ends) > len(data):
        raise _truncated()
    if sum(lengths) > _MOST_OVERLAP * len(data):
        raise too_complex("has strips that share their bytes")
    if found.get(_PACKING, (1,))[0] == _JPEG:
        for start, end in zip(starts, ends, strict=True):
            if data.startswith(jpeg.SIGNATURE, start):
                jpeg.essence(data[start:end])  # for its refusals: libtiff reads what stands in the file


def _written(data: bytes, entries: Directory) -> bytes:
    """The file with these entries for its only directory, at its end."""
    order = _order(data)
    begin = len(data) + len(data) % 2
    behind = begin + 2 + _ENTRY * len(entries) + 4
    table, values = [struct.pack(order + "H", len(entries))], b""
    for tag in sorted(entries):
        numbers = entries[tag]
        kind = 7 if tag == _TABLES else 3 if max(numbers) < 1 << 16 else 4
        packed = struct.pack(f"{order}{len(numbers)}{_FORMS[kind][1]}", *numbers)
        if len(packed) > 4:
            place = struct.pack(order + "I", behind + len(values))
            values += packed + bytes(len(packed) % 2)
        else:
            place = packed.ljust(4, b"\0")
        table.append(struct.pack(order + "HHI", tag, kind, len(numbers)) + place)
    header = data[:4] + struct.pack(order + "I", begin)
    return b"".join((header, data[8:], bytes(len(data) % 2), *table, bytes(4), values))


def _cut_or_damaged(data: bytes) -> ImageRejected:
    """Most programs write the directory behind the pixels: where the file ends before it, it was cut."""
    order, end = _order(data), 8
    if len(data) >= end:
        (end,) = struct.unpack_from(order + "I", data, 4)
        end += 2
    if len(data) >= end:
        end += _ENTRY * struct.unpack_from(order + "H", data, end - 2)[0]
    return _truncated() if len(data) < end else _damaged()


def _truncated() -> ImageRejected:
    return ImageRejected("image_truncated", "The picture ends too early. Send the whole file.")


def _damaged() -> ImageRejected:
    return ImageRejected("image_invalid", "The picture is damaged. Save it again and resend it.")


def unsupported(what: str) -> ImageRejected:
    """The refusal of a TIFF that `what` says something of."""
    return ImageRejected(
        "unsupported_image_format", f"This kind of TIFF is not read: it {what}. Save it as PNG and resend it."
    )
