import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from models_store.errors import ImageRejected
from models_store.pictures.formats.png import essence, is_small_and_plain, size
from tests.support.pictures import png, saved

COLOUR = Image.new("RGBA", (20, 12), (200, 100, 50, 255))


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunks(data: bytes, chunks: bytes, behind: bool = False) -> bytes:
    place = len(data) - 12 if behind else 33
    return data[:place] + chunks + data[place:]


def packed(text: bytes) -> bytes:
    return chunk(b"zTXt", b"key\0\0" + zlib.compress(text, 9))


def test_a_digit_of_mnist_is_small_and_plain(rng: np.random.Generator) -> None:
    for pixels in (rng.integers(0, 256, (28, 28), dtype=np.uint8), np.zeros((64, 64), np.uint8)):
        assert is_small_and_plain(png(pixels))
        assert is_small_and_plain(saved(Image.fromarray(pixels).convert("P"), transparency=3))
    harmless = chunk(b"gAMA", bytes(4)) + chunk(b"pHYs", bytes(9)) + chunk(b"tEXt", b"Software\0a browser")
    assert is_small_and_plain(with_chunks(png(np.zeros((28, 28), np.uint8)), harmless))


def test_nothing_else_is(rng: np.random.Generator) -> None:
    unit = png(rng.integers(0, 256, (28, 28), dtype=np.uint8))
    others = {
        "larger": png(np.zeros((65, 28), np.uint8)),
        "heavier": png(rng.integers(0, 256, (60, 60, 3), dtype=np.uint8)),
        "a packed text": with_chunks(unit, packed(b"a")),
        "one behind its pixels": with_chunks(unit, packed(b"a"), behind=True),
        "a profile": with_chunks(unit, chunk(b"iCCP", b"key\0\0" + zlib.compress(b"a"))),
        "EXIF": with_chunks(unit, chunk(b"eXIf", b"MM\0*")),
        "a long text": with_chunks(unit, chunk(b"tEXt", b"key\0" + b"a" * 200)),
        "many chunks": with_chunks(unit, chunk(b"tEXt", b"") * 20),
        "a film": saved(COLOUR, save_all=True, append_images=[COLOUR.rotate(180)]),
        "a wrong length": unit[:33] + b"\xff\xff\xff\xff" + unit[37:],
        "cut": unit[:-1],
        "more behind it": unit + b"\0",
        "another format": saved(COLOUR.convert("RGB"), "JPEG"),
        "nothing": b"",
    }
    assert [name for name, data in others.items() if is_small_and_plain(data)] == []


def test_texts_profiles_and_later_frames_are_left_out() -> None:
    plain = saved(COLOUR)
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", "x" * 200_000, zip=True)
    texts.add_itxt("Comment", "ü" * 9000, zip=True)
    texts.add_text("Comment", "x" * 300_000)
    assert essence(saved(COLOUR, pnginfo=texts, icc_profile=b"a profile" * 900)).data == plain
    assert essence(with_chunks(plain, packed(b"a"), behind=True)).data == plain
    film = saved(COLOUR, save_all=True, append_images=[COLOUR.rotate(180)])
    assert Image.open(io.BytesIO(essence(film).data)).tobytes() == COLOUR.tobytes()
    assert size(film) == (20, 12)


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_packed_texts_are_counted_before_they_are_unpacked(kind: bytes) -> None:
    head = {b"iTXt": b"key\0\1\0\0\0"}.get(kind, b"key\0\0")
    bomb = chunk(kind, head + zlib.compress(bytes(1_000_000), 9))
    with pytest.raises(ImageRejected, match="more than 8 compressed texts") as refused:
        essence(with_chunks(saved(COLOUR), bomb * 14))
    assert refused.value.code == "image_too_complex"
    with pytest.raises(ImageRejected, match="unpack to over 2 MiB") as refused:
        essence(with_chunks(saved(COLOUR), bomb * 3))
    assert refused.value.code == "image_invalid"
    assert essence(with_chunks(saved(COLOUR), bomb * 2)).data == saved(COLOUR)


def test_tiny_chunks_by_the_thousand_are_refused_and_usual_ones_are_not(rng: np.random.Generator) -> None:
    data = saved(COLOUR)
    with pytest.raises(ImageRejected, match="more than 10,000 chunks"):
        essence(with_chunks(data, chunk(b"IDAT", b"") * 20_000))
    assert essence(with_chunks(data, chunk(b"IDAT", b"") * 2000, behind=True)).data.startswith(data[:-12])


@pytest.mark.parametrize("way", ["chunk", "plain text", "packed text", "xmp", "packed xmp"])
def test_it_is_turned_by_whichever_says_so(way: str) -> None:
    exif = Image.Exif()
    exif[274] = 6
    raw = f"\nexif\n{len(exif.tobytes()):8}\n{exif.tobytes().hex()}\n"
    texts = PngImagePlugin.PngInfo()
    if way == "chunk":
        assert essence(saved(COLOUR, exif=exif)).orientation == 6
        return
    if "text" in way:
        texts.add_text("Raw profile type exif", raw, zip=way == "packed text")  # as ImageMagick does
    else:
        texts.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>', zip=way == "packed xmp")
    assert essence(saved(COLOUR, pnginfo=texts)).orientation == 6


def test_damaged_texts_turn_nothing() -> None:
    for text in (b"", b"\n\n\nxyz", b"\n\n\nabc", b"\n\n\n" + b"\xff" * 9):
        broken = chunk(b"tEXt", b"Raw profile type exif\0" + text) + chunk(b"zTXt", b"key\0\0no zlib")
        found = essence(with_chunks(saved(COLOUR), broken + chunk(b"iTXt", b"key") + chunk(b"zTXt", b"")))
        assert (found.orientation, found.data) == (1, saved(COLOUR))
