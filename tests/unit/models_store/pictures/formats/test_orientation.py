import struct

import pytest
from PIL import Image

from models_store.pictures.formats.orientation import of_exif, of_xmp, orientation_of


def block(entries: bytes, count: int, order: str = "<") -> bytes:
    return (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, count) + entries


@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_pillow_writes_is_read(orientation: int) -> None:
    exif = Image.Exif()
    exif[271], exif[274], exif[305] = "a maker", orientation, "a program"
    assert of_exif(exif.tobytes()) == of_exif(exif.tobytes()[6:]) == orientation


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("kind", "value"), [(3, "H"), (4, "I"), (8, "h"), (9, "i")])
def test_whole_numbers_of_both_byte_orders(order: str, kind: int, value: str) -> None:
    entry = struct.pack(order + "HHI" + value, 274, kind, 1, 5)
    assert of_exif(block(entry.ljust(12, b"\0"), 1, order)) == 5


def test_what_is_damaged_says_nothing() -> None:
    whole = block(struct.pack("<HHIHH", 274, 3, 1, 6, 0), 1)
    assert of_exif(whole) == 6
    for broken in (b"", b"Exif\0\0", b"JUNK" + whole[4:], whole[:5], whole[:9], whole[:18]):
        assert of_exif(broken) is None
    assert of_exif(block(struct.pack("<HHIHH", 274, 2, 1, 6, 0), 1)) is None  # a text
    assert of_exif(block(struct.pack("<HHIHH", 274, 3, 9, 6, 0), 1)) is None  # nine numbers


def test_a_directory_of_any_size_and_values_that_overlap_cost_nothing() -> None:
    entries = b"".join(struct.pack("<HHII", 1000 + i % 60_000, 3, 4_000_000, 0) for i in range(60_000))
    assert of_exif(block(entries, 60_000) + bytes(9_000_000)) is None


def test_exif_is_believed_before_xmp() -> None:
    packet = b"<tiff:Orientation>8</tiff:Orientation>"
    assert of_xmp(packet) == of_xmp(b'<x tiff:Orientation="8"/>') == 8
    assert of_xmp(b"<x/>") is None
    assert orientation_of(block(struct.pack("<HHIHH", 274, 3, 1, 6, 0), 1), packet) == 6
    assert orientation_of(b"", packet) == 8
    assert orientation_of(b"", b"") == 1
