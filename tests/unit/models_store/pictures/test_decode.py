import functools
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from models_store.errors import ImageRejected
from models_store.pictures.decode import open_picture
from models_store.pictures.prepare import prepare
from models_store.pictures.stripped import strip
from models_store.specs import InputSpec
from tests.support.layout import Grey
from tests.support.pictures import encoded, png, saved
from training.synthetic import strokes

SPEC = InputSpec()
COLOURS = InputSpec(channels=3, mean=(0.5,) * 3, std=(0.5,) * 3, preparation="picture")
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int, bits: int = 8) -> bytes:
    return SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))


def pixel_data(picture: Grey) -> bytes:
    return zlib.compress(b"".join(b"\0" + row.tobytes() for row in picture))


def refusal(data: bytes) -> str:
    """The code with which both doors refuse it: of digits, and of whole pictures."""
    codes = []
    for spec in (SPEC, COLOURS):
        with pytest.raises(ImageRejected) as refused:
            prepare(data, spec)
        codes.append(refused.value.code)
    assert codes[0] == codes[1]
    return codes[0]


@pytest.fixture
def paper(rng: np.random.Generator) -> Grey:
    return strokes.on_paper(3, rng)


@pytest.fixture
def grainy(paper: Grey, rng: np.random.Generator) -> Grey:
    """Does not compress, so that most bytes of its file are pixels."""
    return (paper * 0.9 + rng.uniform(0, 25, paper.shape)).astype(np.uint8)


def test_what_is_no_picture_is_invalid(rng: np.random.Generator) -> None:
    for data in (b"", rng.bytes(5000), b"three", SIGNATURE, b"\xff\xd8\xff", b"BM", b"RIFF\0\0\0\0WEBP"):
        assert refusal(data) == "image_invalid"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP"])
def test_a_flipped_bit_is_read_or_refused_and_nothing_else(paper: Grey, rng: np.random.Generator, form: str) -> None:
    whole, codes = encoded(paper[::2, ::2].copy(), form), []
    for position in rng.integers(8 * len(whole), size=300):
        damaged = bytearray(whole)
        damaged[position // 8] ^= 1 << position % 8
        for spec in (SPEC, COLOURS):
            try:
                prepare(bytes(damaged), spec)
            except ImageRejected as refused:
                codes.append(refused.code)
    if form == "PNG":  # every chunk has a checksum
        assert len(codes) > 300
        assert set(codes) <= {"image_invalid", "image_truncated"}


@pytest.mark.parametrize(("form", "options"), [("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("BMP", {})])
def test_a_truncated_picture_says_so(grainy: Grey, form: str, options: dict[str, bool]) -> None:
    whole = encoded(grainy, form, **options)
    for part in range(1, 16):
        assert refusal(whole[: len(whole) * part // 16]) == "image_truncated"


def test_a_png_that_ends_between_two_chunks_is_truncated_too(grainy: Grey) -> None:
    data = pixel_data(grainy)
    start = header(300, 200) + chunk(b"IDAT", data[:1000])
    following = chunk(b"IDAT", data[1000:])
    assert [refusal(start + following[:cut]) for cut in range(16)] == ["image_truncated"] * 16


@functools.cache
def bombs() -> dict[str, bytes]:
    jpeg = bytearray(encoded(np.zeros((64, 64), np.uint8), "JPEG"))
    frame = jpeg.index(b"\xff\xc0") + 5
    jpeg[frame : frame + 4] = struct.pack(">HH", 60_000, 60_000)
    bmp = bytearray(encoded(np.zeros((64, 64), np.uint8), "BMP"))
    bmp[18:26] = struct.pack("<ii", 60_000, 60_000)
    bits = zlib.compress(bytes((1 + 13_000 // 8) * 13_000), 9)
    assert len(bits) < 25_000
    return {
        "png": header(60_000, 60_000) + chunk(b"IDAT", b"no pixels") + chunk(b"IEND", b""),
        "1-bit png": header(13_000, 13_000, bits=1) + chunk(b"IDAT", bits) + chunk(b"IEND", b""),
        "1-bit png without pixels": header(13_000, 13_000, bits=1) + chunk(b"IDAT", b"no pixels"),
        "jpeg": bytes(jpeg),
        "bmp": bytes(bmp),
    }


@pytest.mark.parametrize("name", bombs())
def test_a_bomb_is_too_large_before_its_pixels_are_looked_at(name: str) -> None:
    data = bombs()[name]  # most hold no pixels: whoever decoded them would call them damaged
    assert refusal(data) == "image_too_large"
    with pytest.raises(ImageRejected, match="more than 16 million"):
        open_picture(data, 16_000_000)


def test_the_limit_counts_pixels(paper: Grey) -> None:
    prepare(png(paper), SPEC, max_pixels=60_000)
    with pytest.raises(ImageRejected, match="300x200 pixels"):
        prepare(png(paper), SPEC, max_pixels=59_999)


def test_a_text_bomb_is_invalid(paper: Grey) -> None:
    picture, end = chunk(b"IDAT", pixel_data(paper)), chunk(b"IEND", b"")
    assert prepare(header(300, 200) + picture + end, SPEC).pixels.any()
    huge, large = zlib.compress(b"A" * 20_000_000, 9), zlib.compress(b"A" * 900_000, 9)
    one = {b"zTXt": b"key\0\0", b"iTXt": b"key\0\1\0\0\0", b"iCCP": b"key\0\0"}
    texts = [chunk(kind, key + huge) for kind, key in one.items()] + [chunk(b"zTXt", b"key\0\0" + large) * 80]
    for text in texts:
        assert refusal(header(300, 200) + text + picture + end) == "image_invalid"
        assert refusal(header(300, 200) + picture + text + end) == "image_invalid"


@functools.cache
def foreign() -> dict[str, bytes]:
    picture = Image.new("L", (20, 20))
    page = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    return {
        "animated gif": saved(picture, "GIF", save_all=True, append_images=[Image.new("L", (20, 20), 255)]),
        "tiff": saved(picture, "TIFF"),
        "big-endian tiff": b"MM\0*" + bytes(40),
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


@pytest.mark.parametrize("size", [(1, 1), (10_000, 1), (1, 10_000), (8193, 2), (2, 8193)])
def test_sides_have_limits(size: tuple[int, int]) -> None:
    assert refusal(saved(Image.new("L", size, 255))) == "image_bad_dimensions"


MASKS = 0xFF0000, 0xFF00, 0xFF, 0xFF000000  # of red, green, blue and alpha
HEADERS = {"V3": 56, "V4": 108, "V5": 124}


def bmp(picture: Grey, header: int, alpha: Grey) -> bytes:
    """32 bits a pixel with masks in the header, as Windows, GDI+ and GIMP write them."""
    height, width = picture.shape
    pixels = np.stack([picture, picture, picture, alpha], axis=-1)[::-1].tobytes()
    start = 14 + header
    info = struct.pack("<IiiHHIIiiII", header, width, height, 1, 32, 3, len(pixels), 2835, 2835, 0, 0)
    info += struct.pack("<4I", *MASKS) + bytes(header - 56)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + info + pixels


@pytest.mark.parametrize("header", HEADERS)
def test_a_bmp_whose_alpha_is_0_everywhere_is_opaque(paper: Grey, header: str) -> None:
    unused = bmp(paper, HEADERS[header], np.zeros_like(paper))
    assert open_picture(unused, 60_000).mode == "RGBA"
    for spec in (SPEC, COLOURS):
        assert (prepare(unused, spec).pixels == prepare(png(paper), spec).pixels).all()
    assert Image.open(io.BytesIO(strip(unused).png)).mode == "RGB"  # as it is kept for people


def test_an_alpha_that_somebody_wanted_is_looked_at(paper: Grey) -> None:
    one = np.zeros_like(paper)
    one[0, 0] = 1  # of 255
    assert prepare(bmp(paper, 108, one), SPEC).is_blank
    hidden = np.stack([paper, paper, paper, np.zeros_like(paper)], axis=-1)  # erased
    assert prepare(encoded(hidden, "PNG"), SPEC).is_blank
    assert prepare(encoded(hidden, "WEBP", lossless=True, exact=True), SPEC).is_blank
