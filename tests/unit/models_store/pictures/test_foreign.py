"""Other formats are told from garbage by how they begin, whatever their brand is."""

import numpy as np
import pytest
from PIL import Image

from models_store.pictures.foreign import is_of_another_format
from tests.support.pictures import saved


def box(name: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + name + content


BRANDS = [b"heic", b"heix", b"hevc", b"heim", b"mif1", b"msf1", b"avif", b"avis", b"crx ", b"qt  ", b"mp42", b"zz9!"]
BEGINNINGS = {
    "JPEG XL": b"\xff\x0a\xfa\x1f\x09",
    "JPEG XL in boxes": box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl "),
    "JPEG 2000": b"\xff\x4f\xff\x51\0\x29",
    "JPEG 2000 in boxes": box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 "),
    "boxes of a format to come": box(b"XYZ ", b"\r\n\x87\n"),
    "a size of 64 bits": b"\0\0\0\x01ftypheic\0\0\0\0\0\0\0\x20",
    "an old film": box(b"wide", b"") + box(b"mdat", bytes(9)),
    "a camera's": b"FUJIFILMCCD-RAW 0201",
    "a camera's that begins as TIFF": b"II*\0\x10\0\0\0CR\x02\0",
    "BigTIFF": b"II+\0\x08\0\0\0",
    "AVI": b"RIFF\x24\0\0\0AVI LIST",
    "svg in UTF-16": "\ufeff<svg/>".encode("utf-16-le"),
    "JPEG XR": b"II\xbc\x01\x08\0\0\0",
    "DICOM": bytes(128) + b"DICM\x02\0",
    "an enhanced metafile": b"\x01\0\0\0" + bytes(36) + b" EMF",
    "a Radiance picture": b"#?RGBE\n",
    "XPM": b"/* XPM */\nstatic char *x[]",
}


@pytest.mark.parametrize("brand", BRANDS)
def test_a_file_of_boxes_is_another_format_whatever_its_brand(brand: bytes) -> None:
    assert is_of_another_format(box(b"ftyp", brand + bytes(4) + b"mif1heic"))
    assert is_of_another_format(box(b"ftyp", brand))


@pytest.mark.parametrize("name", BEGINNINGS)
def test_formats_are_known_by_their_beginnings(name: str) -> None:
    assert is_of_another_format(BEGINNINGS[name])


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *((kind, "L") for kind in ("AVIF", "DDS", "DIB", "ICO", "JPEG2000", "PCX", "PPM", "SGI", "TGA")),
        *(("QOI", "RGB"), ("ICNS", "RGBA"), ("MSP", "1"), ("XBM", "1"), ("PPM", "1"), ("BLP", "P")),
    ],
)
def test_what_pillow_writes_in_other_formats_is_known(kind: str, mode: str) -> None:
    assert is_of_another_format(saved(Image.new(mode, (20, 20)), kind))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
def test_what_is_read_is_no_other_format(kind: str) -> None:
    assert not is_of_another_format(saved(Image.new("L", (20, 20)), kind))


def test_garbage_is_no_format(rng: np.random.Generator) -> None:
    garbage = [rng.bytes(200) for _ in range(2000)]
    taken = [data[:2] for data in garbage if is_of_another_format(data)]
    assert set(taken) <= {b"\xff\x0a"}  # all that JPEG XL has for a signature
    for text in (b"", b"three", b"ftyp", b"\0\0\0\x18fty", b"\0\0\0\x18ftyp\0\0\0\0", bytes(64), b"\xff" * 64):
        assert not is_of_another_format(text)
