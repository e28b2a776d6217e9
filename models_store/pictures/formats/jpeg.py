"""JPEG by its markers (ITU-T T.81, annex B): its size, which segments are needed for its pixels, and its scans.

libjpeg goes over the whole picture once for each scan, however few bytes that has, and sets no limit to them.
"""

import itertools
import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from models_store.pictures.formats.essence import Essence, too_complex
from models_store.pictures.formats.orientation import orientation_of

SIGNATURE = b"\xff\xd8\xff"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF: size and components
_SEQUENTIAL = (0xC0, 0xC1)  # whose first scan is the only one where all components are in it
_SCAN, _END, _APP1 = 0xDA, 0xD9, 0xE1
_LEAST_KIND = 0xC0  # lower ones are no segments
_ALONE = frozenset((0x00, 0x01, *range(0xD0, 0xDA)))  # no segment follows
_UNSEEN = frozenset((0xFE, *range(0xE1, 0xF0))) - {0xEE}  # comments, EXIF, profiles; not JFIF's and Adobe's colours
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_MARKER = re.compile(rb"\xff[^\0\xff\xd0-\xd7]")  # in a scan: neither a stuffed byte nor a restart
_KIND = re.compile(rb"[^\xff]")  # what follows the fill bytes before a marker
_MOST_SEGMENTS = 2000  # before the first scan: 10 MiB of depth map in XMP have 160
_MOST_MARKERS = 2 * _MOST_SEGMENTS  # with those that no segment follows: an event loop looks at all of them
_MOST_TABLES = 1 << 18  # bytes of all that is needed there; cameras need some 1,000, a preview in JFIF 64 KiB
_MOST_FILL = 1 << 18  # bytes before markers, all together
_MOST_OF_NOTHING = 4096  # bytes behind the last segment of a file without a scan: Pillow looks at each of them
_MOST_BETWEEN = 1000  # segments between scans: two or three for each
_MOST_SCANS = 64  # encoders write 6 to 13, mozjpeg's search up to some twenty
_MOST_PASSES = 320_000_000  # pixels times scans: 16 million in 20 scans
_PROGRESSIVE = "Save it as PNG or as a JPEG that is not progressive."


class _Segment(NamedTuple):
    kind: int
    begin: int  # of its marker
    start: int  # of its content
    end: int


def size(data: bytes) -> tuple[int, int] | None:
    """Width and height by the last frame header before the first scan; None where there is none."""
    found = None
    for segment in itertools.islice(_segments(data), _MOST_SEGMENTS):
        if segment.kind in _FRAMES:
            found = _size(data, segment)
    return found


def essence(data: bytes) -> Essence:
    """Without EXIF, profiles, comments and all else that is not looked at before the first scan.

    Raises ImageRejected where the picture has so many scans, or so many tables, that no camera or program wrote it.
    """
    kept, exif, xmp, place = [data[:2]], b"", b"", 2
    frame: _Segment | None = None
    scan: _Segment | None = None
    tables = 0
    for count, segment in enumerate(_segments(data)):
        if count == _MOST_SEGMENTS:
            raise too_complex(f"has more than {_MOST_SEGMENTS:,} segments before its pixels")
        place = segment.end
        if segment.kind == _SCAN:
            scan, place = segment, segment.begin
        elif segment.kind not in _UNSEEN:
            frame = segment if segment.kind in _FRAMES else frame
            tables += segment.end - segment.start
            kept.append(data[segment.begin : segment.end])
        elif segment.kind == _APP1:
            content = data[segment.start : segment.end]
            if content.startswith(_EXIF):
                exif = exif or content  # a second one goes on with it, far behind what is looked for
            elif content.startswith(_XMP):
                xmp = content
    if tables > _MOST_TABLES:
        raise too_complex("has far more tables than pixels need")
    if scan is not None and frame is not None:
        _check_scans(data, frame, scan)
    rest = data[place : None if scan is not None else place + _MOST_OF_NOTHING]
    return Essence(b"".join([*kept, rest]), orientation_of(exif, xmp))


def _segments(data: bytes) -> Iterator[_Segment]:
    """Those with content, up to the first scan's header, or to where the file is damaged or ends too early. What lies
    between them is nothing."""
    place, end, fill = 2, len(data), _MOST_FILL
    for _ in range(_MOST_MARKERS):
        begin = data.find(b"\xff", place)
        found = None if begin < 0 else _KIND.search(data, begin, begin + fill)
        if found is None or found.end() + 2 > end:
            return
        kind_at = found.start()
        fill -= kind_at - begin - 1
        kind = data[kind_at]
        if kind in _ALONE:
            place = kind_at + 1
            continue
        start, place = kind_at + 3, kind_at + 1 + int.from_bytes(data[kind_at + 1 : kind_at + 3])
        if kind < _LEAST_KIND or place < start or place > end:
            return
        yield _Segment(kind, kind_at - 1, start, place)
        if kind == _SCAN:
            return


def _size(data: bytes, frame: _Segment) -> tuple[int, int] | None:
    if frame.end < frame.start + 5:
        return None
    height, width = struct.unpack_from(">HH", data, frame.start + 1)
    return width, height


def _check_scans(data: bytes, frame: _Segment, first: _Segment) -> None:
    """Raises ImageRejected where going over the picture once for each scan would take too long."""
    if frame.kind in _SEQUENTIAL and data[frame.start + 5 : frame.start + 6] == data[first.start : first.start + 1]:
        return  # libjpeg takes a second scan for a mistake
    width, height = _size(data, frame) or (0, 0)
    scans, place = 1, first.end
    for _ in range(_MOST_BETWEEN):
        found = _MARKER.search(data, place)
        if found is None or data[found.end() - 1] == _END:
            break
        scans += data[found.end() - 1] == _SCAN
        place = found.end()
        if data[place - 1] not in _ALONE:
            place += int.from_bytes(data[place : place + 2])
    else:
        raise too_complex("has too many segments between its scans", _PROGRESSIVE)
    if scans > _MOST_SCANS or scans * width * height > _MOST_PASSES:
        raise too_complex(f"has {width}x{height} pixels in {scans:,} scans, which would take too long", _PROGRESSIVE)
