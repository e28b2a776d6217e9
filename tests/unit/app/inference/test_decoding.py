"""Decoding on the event loop: only what takes no time."""

import struct
import zlib

import numpy as np
import pytest

from app.inference import decoding
from models_store.errors import ImageRejected
from models_store.pictures.decode import Pixels
from models_store.pictures.prepare import Prepared
from models_store.specs import InputSpec
from tests.support.pictures import encoded, png
from tests.unit.models_store.datasets.test_clean import unit

SPEC = InputSpec()
WHOLE = InputSpec(preparation="picture")
MOST = 16_000_000
PAGE = np.full((60, 50), 250, np.uint8)
PAGE[15:45, 20:26] = 10  # a one, dark on light


def pixels(prepared: Prepared | ImageRejected) -> Pixels:
    assert isinstance(prepared, Prepared)
    shown: Pixels = prepared.pixels[0]
    return shown


def with_texts(picture: bytes, count: int) -> bytes:
    """The same PNG with so many texts of a million characters, each in 1 KB (zTXt: PNG 1.2, 4.2.3)."""
    body = b"zTXt" + b"k\0\0" + zlib.compress(b"a" * 1_000_000, 9)
    text = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return picture[:33] + count * text + picture[33:]


def test_a_few_digits_in_mnists_format_are_seen_as_they_are() -> None:
    seen = decoding.untouched([png(unit(seed)) for seed in range(5)], SPEC, MOST)
    assert seen is not None
    assert np.array_equal([pixels(one) for one in seen], [unit(seed) for seed in range(5)])


@pytest.mark.parametrize(
    "images",
    [
        [png(unit(1))] * 6, [png(unit(1)), png(PAGE)], [png(unit(1)) + bytes(16_384)], [encoded(unit(1), "BMP")],
        [encoded(unit(1), "JPEG")], [with_texts(png(unit(1)), 14)], [with_texts(png(unit(1)), 1)], [b"rubbish"],
    ],
    ids=["six", "a page among them", "over 16 KiB", "BMP", "JPEG", "14 texts", "one text", "rubbish"],
)  # fmt: skip
def test_what_may_take_longer_is_left_to_a_child(images: list[bytes]) -> None:
    assert decoding.untouched(images, SPEC, MOST) is None


def test_where_no_writing_is_looked_for_no_picture_passes_untouched() -> None:
    assert decoding.untouched([png(unit(1))], WHOLE, MOST) is None


def test_a_bad_picture_among_a_few_is_refused_in_its_place() -> None:
    flipped = bytearray(png(unit(2)))
    flipped[-20] ^= 255  # in the pixels
    seen = decoding.untouched([png(unit(1)), bytes(flipped), png(np.zeros((28, 29), np.uint8))], SPEC, 28 * 28)
    assert seen is not None
    assert [one.code if isinstance(one, ImageRejected) else "" for one in seen] == [
        "",
        "image_invalid",
        "image_too_large",
    ]
    assert np.array_equal(pixels(seen[0]), unit(1))
