"""Decoding in this process: only what takes no time, picture by picture; others are left to a child."""

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


def pixels(prepared: Prepared | ImageRejected | None) -> Pixels:
    assert isinstance(prepared, Prepared)
    shown: Pixels = prepared.pixels[0]
    return shown


def with_texts(picture: bytes, count: int) -> bytes:
    """The same PNG with so many texts of a million characters, each in 1 KB (zTXt: PNG 1.2, 4.2.3)."""
    body = b"zTXt" + b"k\0\0" + zlib.compress(b"a" * 1_000_000, 9)
    text = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return picture[:33] + count * text + picture[33:]


def test_digits_in_mnists_format_are_seen_as_they_are() -> None:
    for count in (0, 1, 5, 6, 256):
        seen = decoding.untouched([png(unit(seed)) for seed in range(count)], SPEC, MOST)
        assert len(seen) == count
        assert all(np.array_equal(pixels(one), unit(seed)) for seed, one in enumerate(seen))


LONGER = {
    "a page": png(PAGE),
    "over 16 KiB": png(unit(1)) + bytes(16_384),
    "BMP": encoded(unit(1), "BMP"),
    "JPEG": encoded(unit(1), "JPEG"),
    "14 texts": with_texts(png(unit(1)), 14),
    "one text": with_texts(png(unit(1)), 1),
    "rubbish": b"rubbish",
    "nothing": b"",
    "a dark digit": png(255 - unit(1)),
    "a digit in a corner": png(np.roll(unit(1), 9, 1)),
    "29 rows": png(np.vstack([unit(1), unit(1)[:1]])),
    "colours": png(np.dstack([unit(1)] * 3)),
}


@pytest.mark.parametrize("image", LONGER.values(), ids=LONGER)
def test_what_may_take_longer_is_left_to_a_child(image: bytes) -> None:
    assert decoding.untouched([image], SPEC, MOST) == [None]


def test_others_beside_it_are_not() -> None:
    images = [png(unit(1)), *LONGER.values(), png(unit(2))]
    first, *left, last = decoding.untouched(images, SPEC, MOST)
    assert left == [None] * len(LONGER)
    assert np.array_equal(pixels(first), unit(1)) and np.array_equal(pixels(last), unit(2))


@pytest.mark.parametrize("spec", [WHOLE, InputSpec(preparation="picture", height=32, width=32)])
def test_where_no_writing_is_looked_for_no_picture_passes_untouched(spec: InputSpec) -> None:
    assert decoding.untouched([png(unit(1)), png(unit(2))], spec, MOST) == [None, None]


@pytest.mark.parametrize("spec", [InputSpec(height=32, width=32), InputSpec(height=28, width=32)])
def test_a_model_of_another_format_sees_no_picture_untouched(spec: InputSpec) -> None:
    assert decoding.untouched([png(unit(1))], spec, MOST) == [None]


def test_a_bad_picture_among_a_few_is_refused_in_its_place() -> None:
    flipped = bytearray(png(unit(2)))
    flipped[-20] ^= 255  # in the pixels
    seen = decoding.untouched([png(unit(1)), bytes(flipped), png(np.zeros((28, 29), np.uint8))], SPEC, 28 * 28)
    assert [one.code if isinstance(one, ImageRejected) else "" for one in seen] == [
        "",
        "image_invalid",
        "image_too_large",
    ]
    assert np.array_equal(pixels(seen[0]), unit(1))


def test_the_limit_of_pixels_is_the_same_for_digits() -> None:
    (refused,) = decoding.untouched([png(unit(1))], SPEC, 28 * 28 - 1)
    assert isinstance(refused, ImageRejected) and refused.code == "image_too_large"


def test_blank_ones_are_told_from_digits() -> None:
    empty, faint, even = (np.full((28, 28), level, np.uint8) for level in (0, 0, 200))
    faint[5:9, 5:9] = 23
    seen = decoding.untouched([png(empty), png(faint), png(even)], SPEC, MOST)
    assert [isinstance(one, Prepared) and one.is_blank for one in seen] == [True, True, False]
    assert seen[2] is None  # dark on light, or nothing: who looks for writing says so
