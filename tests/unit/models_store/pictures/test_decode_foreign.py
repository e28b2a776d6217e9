"""Whatever is in a format that is not read is told so at every door, and never called damaged."""

import functools
import struct

import pytest
from PIL import Image

from tests.support.pictures import saved
from tests.unit.models_store.pictures.test_decode import refusal


@functools.cache
def foreign() -> dict[str, bytes]:
    picture = Image.new("L", (20, 20))
    page = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    return {
        "tiff of fractions": saved(picture.convert("F"), "TIFF"),
        "tiff in L*a*b*": saved(picture.convert("RGB").convert("LAB"), "TIFF"),
        "a camera's own": b"II*\0\x10\0\0\0CR\x02\0" + bytes(40),
        "big tiff": saved(picture, "TIFF", big_tiff=True),
        "eps": saved(picture, "EPS"),
        "eps with a preview": b"\xc5\xd0\xd3\xc6" + struct.pack("<I", 32) + bytes(24) + saved(picture, "EPS"),
        "pdf": saved(picture, "PDF"),
        "psd": b"8BPS\0\1" + bytes(40),
        "fits": b"SIMPLE  =                    T" + b" " * 50,
        "svg": page,
        "svg with a prologue": b"\xef\xbb\xbf<?xml version='1.0'?>\n" + page,
        "svg with a comment": b"<!-- drawn by hand -->\n" + page,
        "html": b"\n<!DOCTYPE html><title>3</title>",
        "avif": saved(picture, "AVIF"),
        "heic of a new brand": b"\0\0\0\x18ftyphei9" + bytes(20),
        "jpeg 2000": saved(picture, "JPEG2000"),
        "jpeg xl": b"\xff\x0a\xfa\x1f\x09" + bytes(20),
    }


@pytest.mark.parametrize("name", foreign())
def test_other_formats_are_unsupported(name: str) -> None:
    assert refusal(foreign()[name]) == "unsupported_image_format"
