"""PNG by its chunks (W3C PNG, third edition): its size, and which of them are needed for its pixels."""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from models_store.errors import ImageRejected
from models_store.pictures.formats.essence import Essence, too_complex
from models_store.pictures.formats.orientation import orientation_of

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">I4s")
_SMALL_BYTES, _SMALL_SIDE = 8192, 64  # bytes; pixels
_PLAIN = {  # what a small plain picture consists of, and how many bytes each may have
    b"IHDR": 13, b"PLTE": 768, b"tRNS": 256, b"IDAT": _SMALL_BYTES, b"IEND": 0,
    b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"sBIT": 4, b"bKGD": 6, b"pHYs": 9, b"tIME": 7, b"tEXt": 128,
}  # fmt: skip
_PLAIN_CHUNKS = 16
_MOST_CHUNKS = 10_000  # encoders write 8 KiB or more of pixels into one: 10 MiB have 1,280
_MOST_PACKED = 8  # texts and profiles that are compressed; ImageMagick writes up to six
_MOST_UNPACKED = 2 << 20  # bytes of all of them, unpacked
_UNSEEN = frozenset((b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"acTL", b"fcTL", b"fdAT"))  # texts, profiles, later frames
_TEXTS = frozenset((b"tEXt", b"zTXt", b"iTXt", b"iCCP"))
_LONGEST_KEY = 79  # bytes
_EXIF_TEXT, _XMP_TEXT = b"Raw profile type exif", b"XML:com.adobe.xmp"  # texts that say how a picture is turned


class _Chunk(NamedTuple):
    kind: bytes
    start: int  # of its content
    length: int


def size(data: bytes) -> tuple[int, int] | None:
    """Width and height; None where the file does not begin with a header."""
    if data[8:16] != b"\0\0\0\rIHDR" or len(data) < 24:
        return None
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def is_small_and_plain(data: bytes) -> bool:
    """Whether it is a PNG of at most 8 KiB and 64x64 pixels with little else in it: it is decoded in 0.1 ms, so that
    the event loop may do it. A damaged one is none."""
    if len(data) > _SMALL_BYTES or not data.startswith(SIGNATURE):
        return False
    sides = size(data)
    if sides is None or not 0 < max(sides) <= _SMALL_SIDE:
        return False
    place, end = len(SIGNATURE), len(data)
    for _ in range(_PLAIN_CHUNKS):
        if place + 12 > end:
            return False
        length, kind = _header(data, place)
        if length > _PLAIN.get(kind, -1):
            return False
        place += 12 + length
        if kind == b"IEND":
            return place == end
    return False


def essence(data: bytes) -> Essence:
    """Without texts, colour profiles and the later frames of an animation, none of which is looked at.

    Raises ImageRejected where there are too many chunks or where packed texts are bombs.
    """
    exif = b""
    unseen: list[_Chunk] = []
    for chunk in _chunks(data):
        if chunk.kind in _UNSEEN:
            unseen.append(chunk)
        elif chunk.kind == b"eXIf":
            exif = data[chunk.start : chunk.start + chunk.length]
    texts = _texts(data, [chunk for chunk in unseen if chunk.kind in _TEXTS])
    orientation = orientation_of(exif or _from_hex(texts.get(_EXIF_TEXT, b"")), texts.get(_XMP_TEXT, b""))
    if not unseen:
        return Essence(data, orientation)
    ends = [0, *(chunk.start + chunk.length + 4 for chunk in unseen)]
    begins = [*(chunk.start - 8 for chunk in unseen), len(data)]
    return Essence(b"".join(data[start:end] for start, end in zip(ends, begins, strict=True)), orientation)


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """Those that are whole, up to the last one or to where the file ends too early."""
    place, end = len(SIGNATURE), len(data)
    for _ in range(_MOST_CHUNKS):
        if place + 12 > end:
            return
        length, kind = _header(data, place)
        if kind == b"IEND" or place + 12 + length > end:
            return
        yield _Chunk(kind, place + 8, length)
        place += 12 + length
    raise too_complex(f"has more than {_MOST_CHUNKS:,} chunks", "Save it again and resend it.")


def _header(data: bytes, place: int) -> tuple[int, bytes]:
    """Length of a chunk's content, and its kind."""
    length, kind = _HEADER.unpack_from(data, place)
    return length, kind


def _texts(data: bytes, chunks: list[_Chunk]) -> dict[bytes, bytes]:
    """The texts by their keys, packed ones unpacked. Raises ImageRejected where those are too many or too long."""
    keys = [_key(data, chunk) for chunk in chunks]
    packed = [_is_packed(data, chunk, key) for chunk, key in zip(chunks, keys, strict=True)]
    if sum(packed) > _MOST_PACKED:
        raise too_complex(f"has more than {_MOST_PACKED} compressed texts", "Save it without them.")
    texts: dict[bytes, bytes] = {}
    room = _MOST_UNPACKED
    for chunk, key, is_packed in zip(chunks, keys, packed, strict=True):
        text = data[_begin(data, chunk, key) : chunk.start + chunk.length]
        if is_packed:
            text = _unpacked(text, room)
            room -= len(text)
        texts[key] = text
    return texts


def _key(data: bytes, chunk: _Chunk) -> bytes:
    end = min(chunk.start + chunk.length, chunk.start + _LONGEST_KEY + 1)
    return data[chunk.start : end].partition(b"\0")[0]


def _is_packed(data: bytes, chunk: _Chunk, key: bytes) -> bool:
    flag = chunk.start + len(key) + 1
    return chunk.kind in (b"zTXt", b"iCCP") or (chunk.kind == b"iTXt" and data[flag : flag + 1] != b"\0")


def _begin(data: bytes, chunk: _Chunk, key: bytes) -> int:
    """Where the text begins: behind its key, how it is packed, and in an iTXt behind its two languages."""
    stop, end = chunk.start + len(key), chunk.start + chunk.length
    if chunk.kind != b"iTXt":
        return stop + (1 if chunk.kind == b"tEXt" else 2)
    language = data.find(b"\0", stop + 3, end)
    translated = data.find(b"\0", language + 1, end) if language >= 0 else -1
    return translated + 1 if translated >= 0 else end


def _unpacked(packed: bytes, room: int) -> bytes:
    """A packed text, empty where it is damaged. Raises ImageRejected for a bomb."""
    inflate = zlib.decompressobj()
    try:
        text = inflate.decompress(packed, room + 1)
    except zlib.error:
        return b""
    if len(text) > room:
        raise ImageRejected("image_invalid", "The texts in the picture unpack to over 2 MiB. Save it without them.")
    return text


def _from_hex(text: bytes) -> bytes:
    """The EXIF block that ImageMagick writes as digits, after three lines with its name and length."""
    digits = b"".join(text.split(b"\n")[3:])
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return b""
