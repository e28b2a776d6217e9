"""MNIST's format, read at once: what Pillow reads of the same file, to the pixel; nothing where Pillow refuses it."""

import struct
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from PIL import Image

from models_store.errors import ImageRejected
from models_store.pictures.contained import contained
from models_store.pictures.decode import DRAFT_SIDE, decoded, grey_of, open_picture
from models_store.pictures.layout import Grey
from models_store.pictures.unit import unit_of
from tests.support.pictures import png, saved
from training.synthetic import strokes

IHDR = struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0)


def by_pillow(data: bytes) -> Grey | str:
    """The pixels in grey, or why there are none."""
    try:
        with contained(data):
            image = open_picture(data, 16_000_000)
            return np.asarray(grey_of(decoded(image, "L", DRAFT_SIDE)), np.uint8)
    except ImageRejected as refusal:
        return f"{refusal.code}: {refusal}"


def is_read(data: bytes) -> bool:
    """Whether it is read at once; if so, it must be what Pillow reads."""
    grey = unit_of(data)
    if grey is None:
        return False
    theirs = by_pillow(data)
    assert not isinstance(theirs, str), (theirs, data)
    assert grey.dtype == np.uint8 and grey.shape == (28, 28) and np.array_equal(grey, theirs), data
    return True


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def file(*middle: tuple[bytes, bytes], header: bytes = IHDR) -> bytes:
    """A PNG of these chunks."""
    chunks = (b"IHDR", header), *middle, (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, content) for kind, content in chunks)


def filtered(pixels: Grey, kinds: Sequence[int]) -> bytes:
    """Rows behind the numbers of their filters (W3C PNG, third edition, 9.2), written out naively."""
    rows = bytearray()
    for y, kind in enumerate(kinds):
        rows.append(kind)
        for x in range(28):
            left = int(pixels[y, x - 1]) if x else 0
            up = int(pixels[y - 1, x]) if y else 0
            corner = int(pixels[y - 1, x - 1]) if x and y else 0
            nearest = min((left, up, corner), key=lambda value: abs(left + up - corner - value))
            rows.append((int(pixels[y, x]) - (0, left, up, (left + up) // 2, nearest)[kind]) % 256)
    return bytes(rows)


@pytest.fixture(scope="module")
def digit() -> Grey:
    return strokes.unit(8, np.random.default_rng(8))


def noise(seed: int) -> Grey:
    return np.random.default_rng(seed).integers(0, 256, (28, 28), np.uint8)


def test_thousands_of_digits_are_read_as_pillow_reads_them() -> None:
    digits = strokes.units(per_digit=200, seed=9)[:, 0]
    assert len(digits) == 2000
    for unit in digits:
        data = png(unit)
        assert is_read(data) and np.array_equal(by_pillow(data), unit)


@pytest.mark.parametrize("options", [{"optimize": True}, *[{"compress_level": level} for level in range(10)]])
def test_however_it_is_packed(digit: Grey, options: dict[str, int]) -> None:
    assert all(is_read(png(picture, **options)) for picture in (digit, noise(1), np.zeros_like(digit)))


def test_each_filter_and_each_way_to_pack() -> None:
    chance = np.random.default_rng(3)
    ways = [[kind] * 28 for kind in range(5)] + chance.integers(0, 5, (20, 28)).tolist()
    for seed, kinds in enumerate(ways):
        picture = strokes.unit(seed % 10, chance) if seed % 2 else noise(seed)
        for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED):
            for window in (10, 15):
                packer = zlib.compressobj(6, zlib.DEFLATED, window, 8, strategy)
                data = file((b"IDAT", packer.compress(filtered(picture, kinds)) + packer.flush()))
                assert is_read(data) and np.array_equal(by_pillow(data), picture)


BESIDE = {
    b"tEXt": b"k\0v",
    b"gAMA": struct.pack(">I", 45_455),
    b"tRNS": b"\0\0",
    b"bKGD": b"\0\1",
    b"pHYs": bytes(9),
    b"sBIT": b"\4",
    b"sRGB": b"\0",
    b"tIME": b"\7\xe8\1\1\1\1\1",
    b"eXIf": b"II*\0\x08\0\0\0\0\0",
    b"acTL": bytes(8),
    b"zTXt": b"k\0\0" + zlib.compress(b"v"),
}


def others(digit: Grey) -> Iterator[tuple[str, bytes]]:
    """Files with this digit that have something beside its pixels, or have them in another way."""
    plain = zlib.compress(filtered(digit, [0] * 28))
    pixels = b"IDAT", plain
    image = Image.fromarray(digit)
    yield "two chunks", file((b"IDAT", plain[:50]), (b"IDAT", plain[50:]))
    yield "an empty chunk before", file((b"IDAT", b""), pixels)
    yield "an empty chunk behind", file(pixels, (b"IDAT", b""))
    for kind, content in BESIDE.items():
        yield f"{kind!r} before", file((kind, content), pixels)
        yield f"{kind!r} behind", file(pixels, (kind, content))
    yield from ((f"mode {mode}", saved(image.convert(mode))) for mode in ("1", "P", "LA", "RGB", "RGBA", "I;16"))
    exif = Image.Exif()
    exif[274] = 6  # on its side
    yield "turned", saved(image, exif=exif)
    for kinds in ((1, 0, 0), (2, 0, 0), (4, 0, 0), (16, 0, 0), (8, 0, 1), (8, 4, 0), (8, 2, 0), (8, 3, 0)):
        depth, colour, interlaced = kinds
        yield f"{kinds}", file(pixels, header=IHDR[:8] + bytes((depth, colour, 0, 0, interlaced)))
    for size in ((27, 28), (28, 27), (0, 28)):
        yield f"size {size}", file(pixels, header=struct.pack(">II", *size) + IHDR[8:])
    yield "more rows", file((b"IDAT", zlib.compress(filtered(digit, [0] * 28) + bytes(29))))
    yield "fewer rows", file((b"IDAT", zlib.compress(filtered(digit, [0] * 28)[:-29])))
    yield "a byte less", file((b"IDAT", zlib.compress(filtered(digit, [0] * 28)[:-1])))
    yield "an unknown filter", file((b"IDAT", zlib.compress(b"\5" + filtered(digit, [0] * 28)[1:])))
    yield "no pixels", file()
    yield "no end", file(pixels)[:-12]
    yield "two pictures", 2 * file(pixels)


def test_what_has_anything_else_is_left_to_pillow(digit: Grey) -> None:
    for name, data in others(digit):
        assert unit_of(data) is None, name
    assert is_read(file((b"IDAT", zlib.compress(filtered(digit, [0] * 28)))))


@pytest.mark.parametrize("change", [0xFF, 0x01, 0x80, 0x20])
def test_no_damaged_byte_is_overlooked(digit: Grey, change: int) -> None:
    data = png(digit)
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= change
        assert not is_read(bytes(damaged))


def test_nothing_may_be_lacking_or_added(digit: Grey) -> None:
    data = png(digit)
    for place in range(len(data)):
        for changed in (
            data[:place],
            data[place + 1 :],
            data[:place] + b"\0" + data[place:],
            data[:place] + data[place + 1 :],
        ):
            assert changed == data or not is_read(changed)
    assert not is_read(data + b"\0")


def test_damage_that_its_checksum_covers_is_read_as_pillow_reads_it(
    digit: Grey, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whoever wrote such a file meant it, or is at war with us."""
    plain, read = zlib.compress(filtered(digit, [4] * 28)), 0
    far = zlib.compress(filtered(np.vstack([noise(2)[:14]] * 2), [0] * 28))  # looks back by 406 bytes
    for place in range(len(plain)):
        for change in (0xFF, 0x01, 0x10):
            damaged = bytearray(plain)
            damaged[place] ^= change
            read += is_read(file((b"IDAT", bytes(damaged))))
    for first in range(0x08, 0x80, 0x10):  # a window that is said to be smaller or larger than it is (RFC 1950, 2.2)
        head = first << 8
        head += 31 - head % 31
        read += is_read(file((b"IDAT", head.to_bytes(2, "big") + plain[2:])))
        read += is_read(file((b"IDAT", head.to_bytes(2, "big") + far[2:])))
    read += is_read(file((b"IDAT", plain[:-4] + zlib.crc32(b"").to_bytes(4, "big"))))
    assert read >= 1
    for more in (b"\0", b"more", plain):
        assert not is_read(file((b"IDAT", plain + more)))
    assert capfd.readouterr() == ("", "")  # libpng would say there what it thinks of them
