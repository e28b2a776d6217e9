"""The fault table's rows about pictures, through HTTP: each row gets its status and its code, and never a 5xx."""

import io
import struct
import zlib

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.support.pictures import encoded, png, saved
from tests.unit.models_store.pictures.formats.test_tiff import changed, entry
from training.synthetic import strokes

PAGE = strokes.on_paper(7, np.random.default_rng(7))
INK = (255 - PAGE).astype(np.uint8)


def header_only(width: int, height: int, bits: int, colour: int) -> bytes:
    """A PNG that says its size and has one row's worth of nothing."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0" * 9)),
    ]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def one_bit(side: int) -> bytes:
    return saved(Image.new("1", (side, side)), optimize=True)


def transparent(mode: str) -> bytes:
    """Black ink that is opaque, on black that is transparent: without the alpha channel, all black."""
    image = Image.merge("LA", (Image.new("L", PAGE.shape[::-1]), Image.fromarray(INK)))
    return saved(image.convert(mode))


def sixteen_bit() -> bytes:
    return saved(Image.fromarray(PAGE.astype(np.uint16) * 257))


def tiff(tag: int, value: int) -> bytes:
    """One whose entry `tag` says something else."""
    return changed(encoded(PAGE, "TIFF"), **{f"e{tag}": entry(value)})


def oriented(orientation: int) -> bytes:
    """The page turned as EXIF says it was held."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(Image.fromarray(PAGE).transpose(undo[orientation]), "JPEG", quality=95, exif=exif)


READ = {
    "16-bit PNG": sixteen_bit(),
    "RGBA with transparency": transparent("RGBA"),
    "LA with transparency": transparent("LA"),
    "CMYK JPEG": saved(Image.fromarray(PAGE).convert("CMYK"), "JPEG"),
    "palette": saved(Image.fromarray(PAGE).convert("P")),
    "1 bit": saved(Image.fromarray(PAGE).convert("1")),
    "colour": saved(Image.fromarray(PAGE).convert("RGB"), "WEBP"),
    "animated GIF": encoded(PAGE, "GIF", save_all=True, append_images=[Image.new("L", (900, 900))] * 9),
    "GIF with transparency": saved(Image.open(io.BytesIO(transparent("RGBA"))), "GIF"),
    "TIFF of two pages": encoded(PAGE, "TIFF", save_all=True, append_images=[Image.new("L", (900, 900))]),
    "fax": saved(Image.fromarray(PAGE).convert("1"), "TIFF", compression="group4"),
    "16-bit TIFF": saved(Image.fromarray(PAGE.astype(np.uint16) * 257), "TIFF", compression="tiff_lzw"),
    "CMYK TIFF": saved(Image.fromarray(PAGE).convert("CMYK"), "TIFF", compression="jpeg"),
    **{f"EXIF orientation {number}": oriented(number) for number in range(2, 9)},
}
REFUSED: dict[str, tuple[bytes, int, str]] = {
    "random bytes": (b"\x13\x37" * 500, 422, "image_invalid"),
    "a PNG signature and nothing else": (b"\x89PNG\r\n\x1a\n", 422, "image_invalid"),
    "truncated PNG": (png(PAGE)[: len(png(PAGE)) // 2], 422, "image_truncated"),
    "truncated JPEG": (encoded(PAGE, "JPEG")[:-500], 422, "image_truncated"),
    "60000x60000 bomb": (header_only(60_000, 60_000, 8, 0), 413, "image_too_large"),
    "13000x13000 1-bit PNG in 20 KB": (one_bit(13_000), 413, "image_too_large"),
    "1x1": (png(np.zeros((1, 1), np.uint8)), 422, "image_bad_dimensions"),
    "10000x1": (png(np.zeros((1, 10_000), np.uint8)), 422, "image_bad_dimensions"),
    "a GIF without a frame": (b"GIF89a" + bytes(50), 422, "image_invalid"),
    "300x60000 TIFF": (tiff(257, 60_000), 413, "image_too_large"),
    "SVG": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', 415, "unsupported_image_format"),
    "HTML": (b"<!doctype html><title>7</title>", 415, "unsupported_image_format"),
    "BigTIFF": (encoded(PAGE, "TIFF", big_tiff=True), 415, "unsupported_image_format"),
    "TIFF of fractions": (saved(Image.fromarray(PAGE).convert("F"), "TIFF"), 415, "unsupported_image_format"),
    "TIFF whose pixels lie behind it": (tiff(273, 1 << 24), 422, "image_truncated"),
}


@pytest.mark.parametrize("row", READ)
async def test_it_is_read(client: httpx.AsyncClient, row: str) -> None:
    answer = await client.post("/v1/predict", files={"file": READ[row]})
    assert (answer.status_code, answer.json()["label"]) == (200, "7")


@pytest.mark.parametrize("row", REFUSED)
async def test_it_is_refused(client: httpx.AsyncClient, row: str) -> None:
    picture, status, code = REFUSED[row]
    answer = await client.post("/v1/predict", files={"file": picture})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_flipped_bits_never_break_the_service(client: httpx.AsyncClient) -> None:
    whole = png(PAGE)
    rng = np.random.default_rng(9)
    for position in rng.integers(8, len(whole), 60):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << int(rng.integers(8))
        answer = await client.post("/v1/predict", files={"file": bytes(damaged)})
        assert answer.status_code in (200, 413, 415, 422)


async def test_a_request_with_more_pixels_than_four_large_pictures_is_refused(client: httpx.AsyncClient) -> None:
    large = one_bit(3900)
    answer = await client.post("/v1/predict/batch", files=[("files", large)] * 5)
    assert (answer.status_code, answer.json()["code"]) == (422, "batch_too_large")
    fine = await client.post("/v1/predict/batch", files=[("files", large)] * 2)
    assert [reading["warnings"] for reading in fine.json()["predictions"]] == [["blank_image"]] * 2
