import functools
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from models_store.errors import ImageRejected
from models_store.pictures.decode import decoded, is_turned, open_picture
from models_store.pictures.many.page import page_of
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


@pytest.mark.parametrize(
    "data",
    [
        header(28, 28) + chunk(b"IHDR", struct.pack(">IIBBBBB", 400, 300, 8, 0, 0, 0, 0)),  # the last one counts
        SIGNATURE + chunk(b"tEXt", b"a\0b") + header(400, 300)[len(SIGNATURE) :],  # it is not the first chunk
    ],
    ids=["two headers", "a header behind a text"],
)
def test_a_picture_of_another_size_than_its_header_says_is_damaged(data: bytes) -> None:
    """Its share of time and memory was given out by the header."""
    picture = np.zeros((300, 400), np.uint8)
    assert refusal(data + chunk(b"IDAT", pixel_data(picture)) + chunk(b"IEND", b"")) == "image_invalid"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_the_smallest_pictures_have_the_size_of_their_header(kind: str, mode: str) -> None:
    if (kind, mode) != ("JPEG", "RGBA"):
        packing = {"lossless": True, "method": 6, "quality": 100} if kind == "WEBP" else {}
        assert open_picture(saved(Image.new(mode, (2, 2)), kind, **packing), 100).size == (2, 2)


def test_what_is_no_picture_is_invalid(rng: np.random.Generator) -> None:
    for data in (
        b"",
        rng.bytes(5000),
        b"three",
        SIGNATURE,
        b"\xff\xd8\xff",
        b"BM",
        b"RIFF\0\0\0\0WEBP",
        b"GIF89a",
        b"MM\0*\0\0\0\x08" + bytes(40),
    ):
        assert refusal(data) == "image_invalid"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
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


@pytest.mark.parametrize(
    ("form", "options"),
    [("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("BMP", {}), ("GIF", {}), ("TIFF", {})],
)
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
    begin = jpeg.index(b"\xff\xc0") + 5
    jpeg[begin : begin + 4] = struct.pack(">HH", 60_000, 60_000)
    bmp = bytearray(encoded(np.zeros((64, 64), np.uint8), "BMP"))
    bmp[18:26] = struct.pack("<ii", 60_000, 60_000)
    gif = encoded(np.zeros((64, 64), np.uint8), "GIF")
    frame = gif.rindex(b",\0\0\0\0@\0@\0") + 5
    bits = zlib.compress(bytes((1 + 13_000 // 8) * 13_000), 9)
    assert len(bits) < 25_000
    return {
        "png": header(60_000, 60_000) + chunk(b"IDAT", b"no pixels") + chunk(b"IEND", b""),
        "1-bit png": header(13_000, 13_000, bits=1) + chunk(b"IDAT", bits) + chunk(b"IEND", b""),
        "1-bit png without pixels": header(13_000, 13_000, bits=1) + chunk(b"IDAT", b"no pixels"),
        "jpeg": bytes(jpeg),
        "bmp": bytes(bmp),
        "gif": gif[:6]
        + struct.pack("<HH", 1, 1)
        + gif[10:frame]
        + struct.pack("<HH", 60_000, 60_000)
        + gif[frame + 4 :],
        "tiff": saved(Image.new("1", (13_000, 13_000)), "TIFF", compression="group4"),
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
    texts = [(chunk(kind, key + huge), "image_invalid") for kind, key in one.items()]
    for text, code in [*texts, (chunk(b"zTXt", b"key\0\0" + large) * 80, "image_too_complex")]:
        assert refusal(header(300, 200) + text + picture + end) == code
        assert refusal(header(300, 200) + picture + text + end) == code


def test_what_would_take_far_longer_than_its_size_tells_is_too_complex_at_every_door(paper: Grey) -> None:
    whole = encoded(paper, "JPEG", progressive=True)
    last = whole[whole.rindex(b"\xff\xc4") : -2]
    scans = whole[:-2] + 1000 * last + whole[-2:]
    runs = struct.pack("<IiiHHIIiiII", 40, 4000, 4000, 1, 8, 1, 9, 0, 0, 0, 0)
    for data in (scans, b"BM" + struct.pack("<IHHI", 99, 0, 0, 54) + runs + bytes(1 << 20)):
        assert refusal(data) == "image_too_complex"
        for door in (strip, lambda data: open_picture(data, 16_000_000)):
            with pytest.raises(ImageRejected, match="Save it as PNG"):
                door(data)


def test_colour_numbers_without_their_colours_are_damaged() -> None:
    whole = saved(Image.new("P", (20, 20)))
    place = whole.index(b"PLTE") - 4
    (length,) = struct.unpack_from(">I", whole, place)
    assert refusal(whole[:place] + whole[place + 12 + length :]) == "image_invalid"
    pixels = whole.index(b"IDAT") - 4
    for clear in (b"\xff" * 300 + b"\0", bytes(257)):  # of a colour that no palette has
        assert refusal(whole[:pixels] + chunk(b"tRNS", clear) + whole[pixels:]) == "image_invalid"
    prepare(whole[:pixels] + chunk(b"tRNS", bytes(256)) + whole[pixels:], SPEC)


@pytest.mark.parametrize("side", [2, 3, 5, 9, 17, 20])
def test_a_picture_as_thin_as_a_line_is_read_at_every_door(rng: np.random.Generator, side: int) -> None:
    for longer in (2, 7, 159, 401, 1025, 1400, 2049, 8192):
        for shape in ((side, longer), (longer, side)):
            levels = np.where(rng.random(shape) < 0.1, rng.integers(0, 90), 255).astype(np.uint8)
            data = png(levels)
            for spec in (SPEC, COLOURS, InputSpec(preparation="digit")):
                prepare(data, spec)
            assert min(strip(data).width, strip(data).height) >= 2
            page_of(open_picture(data, 16_000_000), SPEC)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_every_format_is_turned_upright_as_its_exif_says(paper: Grey, form: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    data = encoded(paper, form, exif=exif)
    opened = open_picture(data, 60_000)
    here, there = decoded(opened, "RGB", 1024), ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert (here.size, here.tobytes()) == (there.size, there.tobytes())
    assert is_turned(opened) == (orientation > 4)


@pytest.mark.parametrize("size", [(1, 1), (10_000, 1), (1, 10_000), (8193, 2), (2, 8193)])
def test_sides_have_limits(size: tuple[int, int]) -> None:
    assert refusal(saved(Image.new("L", size, 255))) == "image_bad_dimensions"
