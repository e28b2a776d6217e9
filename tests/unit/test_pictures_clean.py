"""A kept picture has its pixels, the right way up, and nothing of what a camera wrote beside them."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from models_store.errors import ImageRejected
from models_store.pictures import open_picture, prepare
from models_store.pictures_clean import clean_png
from models_store.specs import InputSpec
from tests.pictures import encoded, png, saved
from training import draw

MAX_PIXELS = 16_000_000


def cleaned(data: bytes) -> bytes:
    return clean_png(open_picture(data, MAX_PIXELS))


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def chunks(data: bytes) -> list[bytes]:
    """The names of a PNG's chunks, read without Pillow."""
    names, at = [], 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        names.append(data[at + 4 : at + 8])
        at += 12 + length
    return names


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "Camera of Anna"
    tags.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return tags


def test_mnists_format_keeps_every_bit(rng: np.random.Generator) -> None:
    for unit in draw.units(1, 3)[:5]:
        again = cleaned(png(unit[0]))
        image = opened(again)
        assert (image.mode, image.size) == ("L", (28, 28))
        assert np.array_equal(np.asarray(image), unit[0])
        assert np.array_equal(prepare(again, InputSpec()).pixels, unit)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_place_time_device_and_profile_are_gone(kind: str) -> None:
    page = Image.fromarray(draw.on_paper(4, np.random.default_rng(4), size=(120, 200))).convert("RGB")
    written: dict[str, Any] = {"exif": exif(1), "icc_profile": b"profile of Anna" * 9, "xmp": b"<x>Anna</x>"}
    if kind == "PNG":
        notes = PngInfo()
        notes.add_text("Author", "Anna")
        notes.add_itxt("XML:com.adobe.xmp", "<x>Anna</x>")
        written |= {"pnginfo": notes, "dpi": (300, 300)}
    data = saved(page, kind, **written)
    assert b"Anna" in data
    kept = cleaned(data)
    assert set(chunks(kept)) == {b"IHDR", b"IDAT", b"IEND"}
    assert b"Anna" not in kept and not opened(kept).getexif()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_picture_stands_upright(orientation: int) -> None:
    page = Image.fromarray(draw.on_paper(7, np.random.default_rng(7), size=(130, 180)))
    data = saved(page, "PNG", exif=exif(orientation))
    kept = opened(cleaned(data))
    expected = ImageOps.exif_transpose(opened(data))
    assert kept.size == ((180, 130) if orientation < 5 else (130, 180))
    assert np.array_equal(np.asarray(kept), np.asarray(expected))


@pytest.mark.parametrize(("size", "expected"), [
    ((3000, 1500), (1024, 512)), ((1500, 3000), (512, 1024)), ((1025, 20), (1024, 20)), ((1024, 1024), (1024, 1024)),
    ((8000, 2), (1024, 1)), ((30, 20), (30, 20)),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_longer_side_has_at_most_1024_pixels(size: tuple[int, int], expected: tuple[int, int], kind: str) -> None:
    kept = opened(cleaned(saved(Image.new("RGB", size, (200, 90, 30)), kind)))
    assert kept.size == expected
    assert np.abs(np.asarray(kept, np.int16) - (200, 90, 30)).max() <= 3


@pytest.mark.parametrize(("mode", "kept"), [
    ("1", "L"), ("L", "L"), ("LA", "LA"), ("P", "RGB"), ("RGB", "RGB"), ("RGBA", "RGBA"), ("I;16", "L"),
])  # fmt: skip
def test_grey_stays_grey_and_what_is_seen_stays_the_same(mode: str, kept: str) -> None:
    page = Image.fromarray(draw.on_paper(3, np.random.default_rng(3), size=(150, 200)))
    if mode == "I;16":
        page = Image.fromarray(np.asarray(page).astype(np.uint16) * 257)
    elif mode in ("LA", "RGBA"):
        page.putalpha(Image.fromarray(255 - np.asarray(page)))
        page = page.convert(mode)
    else:
        page = page.convert(mode)
    data = saved(page)
    again = cleaned(data)
    assert opened(again).mode == kept
    before, after = prepare(data, InputSpec()).pixels, prepare(again, InputSpec()).pixels
    assert np.array_equal(before, after)


def test_a_transparent_colour_stays_transparent() -> None:
    page = Image.fromarray(draw.on_paper(3, np.random.default_rng(3), size=(130, 150), ground=255))
    for mode, kept in (("L", "LA"), ("RGB", "RGBA")):
        image = opened(cleaned(saved(page.convert(mode), transparency=255 if mode == "L" else (255, 255, 255))))
        assert image.mode == kept
        assert np.array_equal(np.asarray(image)[..., -1] == 0, np.asarray(page) == 255)


def test_a_large_photograph_is_read_as_before() -> None:
    page = draw.on_paper(5, np.random.default_rng(5), size=(1500, 2200), height=800)
    data = encoded(page, "JPEG")
    before, after = (prepare(one, InputSpec()).pixels.astype(int) for one in (data, cleaned(data)))
    assert np.abs(before - after).mean() < 2


def test_what_is_cut_off_or_damaged_is_refused(rng: np.random.Generator) -> None:
    whole = png(rng.integers(0, 256, (90, 90), np.uint8))
    with pytest.raises(ImageRejected) as caught:
        cleaned(whole[:-900])
    assert caught.value.code == "image_truncated"
    half = len(whole) // 2
    with pytest.raises(ImageRejected):
        cleaned(whole[:half] + zlib.crc32(whole).to_bytes(4, "big") + whole[half + 4 :])
