"""Damaged pictures of every format: an honest file with some of its bytes, lengths or chunks changed."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from models_store.pictures.formats import png

_HEIGHT, _WIDTH = 34, 47  # pixels: no multiple of a block
_EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"  # turned by a quarter
_MOST_DAMAGES = 4


@dataclass(frozen=True)
class Mutant:
    """Which honest pictures it comes from, and what happened to them. It says so where one is found that breaks."""

    name: str
    other: str
    damages: tuple[str, ...]
    seed: int

    def file(self) -> bytes:
        """The same bytes each time."""
        rng = np.random.default_rng(self.seed)
        data = honest()[self.name]
        for damage in self.damages:
            data = _DAMAGES[damage](data, rng, honest()[self.other])
        return data


@cache
def honest() -> dict[str, bytes]:
    """Every way in which the formats keep a picture, as programs write them."""
    rng = np.random.default_rng(1)
    colour = Image.fromarray(rng.integers(0, 256, (_HEIGHT, _WIDTH, 4), dtype=np.uint8))
    colour = colour.resize((_WIDTH, _HEIGHT), Image.Resampling.BICUBIC)
    deep = Image.fromarray(rng.integers(0, 65_536, (_HEIGHT, _WIDTH)).astype(np.uint16))
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", "drawn by hand " * 20, zip=True)
    texts.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>', zip=True)
    files = {f"png {mode}": _saved(colour.convert(mode), "PNG") for mode in ("1", "L", "LA", "P", "RGB", "RGBA")}
    files |= {"png 16": _saved(deep, "PNG"), "png texts": _saved(colour, "PNG", pnginfo=texts, exif=_EXIF)}
    files |= {"png palette alpha": _saved(colour.convert("P"), "PNG", transparency=bytes(range(256)))}
    files |= {"png frames": _saved(colour, "PNG", save_all=True, append_images=[colour.rotate(90)])}
    files |= {"png interlaced": _interlaced(np.asarray(colour.convert("L")))}
    for mode in ("L", "RGB", "CMYK"):
        files[f"jpeg {mode}"] = _saved(colour.convert(mode), "JPEG", exif=_EXIF)
        files[f"jpeg {mode} progressive"] = _saved(colour.convert(mode), "JPEG", progressive=True, comment=b"a comment")
    files |= {"jpeg restarts": _saved(colour.convert("RGB"), "JPEG", restart_marker_blocks=2)}
    files |= {"jpeg frames": _saved(colour.convert("RGB"), "MPO", save_all=True, append_images=[colour.convert("RGB")])}
    files |= {"webp": _saved(colour.convert("RGB"), "WEBP"), "webp alpha": _saved(colour, "WEBP", exif=_EXIF)}
    files |= {"webp lossless": _saved(colour, "WEBP", lossless=True)}
    files |= {"webp frames": _saved(colour, "WEBP", save_all=True, append_images=[colour.rotate(90)])}
    files |= {f"bmp {mode}": _saved(colour.convert(mode), "BMP") for mode in ("1", "L", "P", "RGB", "RGBA")}
    files |= {f"gif {mode}": _saved(colour.convert(mode), "GIF", comment=b"a comment") for mode in ("1", "L", "P")}
    files |= {"gif frames": _saved(colour, "GIF", save_all=True, append_images=[colour.rotate(90)], disposal=2)}
    files |= _tiffs(colour, deep)
    return files | {f"bmp rle{bits}": _run_lengths(bits, rng) for bits in (4, 8)} | {"bmp 16": _bmp_16(rng)}


def _tiffs(colour: Image.Image, deep: Image.Image) -> dict[str, bytes]:
    packings = {"1": ("group4", "tiff_ccitt"), "L": ("tiff_lzw", "jpeg"), "P": ("packbits",), "RGBA": ("raw",)}
    packings |= {"RGB": ("tiff_adobe_deflate", "jpeg", "raw"), "CMYK": ("tiff_lzw",), "YCbCr": ("jpeg",)}
    files = {
        f"tiff {mode} {packing}": _saved(colour.convert(mode), "TIFF", compression=packing)
        for mode, several in packings.items()
        for packing in several
    }
    pages = {"save_all": True, "append_images": [colour.rotate(90)], "tiffinfo": {274: 6}}
    return files | {"tiff 16": _saved(deep, "TIFF"), "tiff pages": _saved(colour, "TIFF", **pages)}


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _interlaced(levels: NDArray[np.uint8]) -> bytes:
    """A grey PNG by Adam7, which Pillow reads and does not write."""
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    rows = [b"\0" + row.tobytes() for y, x, down, right in passes for row in levels[y::down, x::right]]
    head = struct.pack(">IIBBBBB", levels.shape[1], levels.shape[0], 8, 0, 0, 0, 1)
    chunks = (b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b"")
    return png.SIGNATURE + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _bmp(bits: int, packing: int, palette: bytes, pixels: bytes) -> bytes:
    start = 54 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, _WIDTH, _HEIGHT, 1, bits, packing, len(pixels), 0, 0, len(palette) // 4, 0)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + palette + pixels


def _run_lengths(bits: int, rng: np.random.Generator) -> bytes:
    rows = [bytes((20, int(rng.integers(256)), _WIDTH - 20, int(rng.integers(256)), 0, 0)) for _ in range(_HEIGHT)]
    return _bmp(bits, 1 if bits == 8 else 2, rng.bytes(4 << bits), b"".join(rows) + b"\0\1")


def _bmp_16(rng: np.random.Generator) -> bytes:
    return _bmp(16, 0, b"", rng.bytes((2 * _WIDTH + 2) // 4 * 4 * _HEIGHT))


Damage = Callable[[bytes, np.random.Generator, bytes], bytes]


def _span(data: bytes, rng: np.random.Generator, most: int = 64) -> tuple[int, int]:
    begin = int(rng.integers(len(data) + 1))
    return begin, begin + int(rng.integers(most))


def _flipped(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    changed = bytearray(data)
    for place in rng.integers(8 * len(data), size=rng.integers(1, 9)) if data else ():
        changed[place // 8] ^= 1 << int(place) % 8
    return bytes(changed)


def _cut(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    return data[: int(rng.integers(len(data) + 1))]


def _left_out(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    begin, end = _span(data, rng)
    return data[:begin] + data[end:]


def _twice(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    begin, end = _span(data, rng, 512)
    return data[:end] + data[begin:end] * int(rng.integers(1, 40)) + data[end:]


def _emptied(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    begin, end = _span(data, rng)
    return data[:begin] + (b"\0", b"\xff")[int(rng.integers(2))] * len(data[begin:end]) + data[end:]


def _length(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    """A number of two or four bytes, as lengths and sides are, becomes a small, a large or a negative one."""
    place, width = int(rng.integers(len(data) + 1)), int(rng.choice([2, 4]))
    number = int(rng.choice([0, 1, 2, 255, 256, 4000, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF])) % (1 << 8 * width)
    return data[:place] + number.to_bytes(width, rng.choice(["big", "little"])) + data[place + width :]


def _spliced(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    return data[: int(rng.integers(len(data) + 1))] + other[int(rng.integers(len(other))) :]


def _shuffled(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Chunks or segments repeated, left out, in another order, or of another picture."""
    parts = _parts(data)
    if len(parts) < 3:
        return data
    i, j = rng.integers(1, len(parts), 2).tolist()
    way = rng.integers(4)
    if way == 0:
        parts[i], parts[j] = parts[j], parts[i]
    elif way == 1:
        parts[i:i] = [parts[j]] * int(rng.choice([1, 2, 100]))
    elif way == 2:
        del parts[i]
    else:
        parts.insert(i, rng.choice(np.array(_parts(other), object)))
    return b"".join(parts)


def _mended(data: bytes, _: np.random.Generator, __: bytes) -> bytes:
    """With right checksums in a PNG, so that what came before it is not refused for them."""
    if not data.startswith(png.SIGNATURE):
        return data
    parts = _parts(data)
    return parts[0] + b"".join(_chunk(part[4:8], part[8:-4]) if len(part) >= 12 else part for part in parts[1:])


def _parts(data: bytes) -> list[bytes]:
    """The chunks of a PNG or WEBP, the segments of a JPEG, the words of a BMP's header, the entries of a TIFF's
    directory; first what comes before."""
    place = {b"\x89PNG": 8, b"RIFF": 12, b"II*\0": _directory(data)}.get(data[:4], 2)
    parts, end = [data[:place]], len(data)
    while place + 8 <= end:
        if data[:4] == b"\x89PNG":
            length = 12 + int.from_bytes(data[place : place + 4])
        elif data[:4] == b"RIFF":
            length = 8 + int.from_bytes(data[place + 4 : place + 8], "little")
        elif data[:2] == b"\xff\xd8" and data[place] == 0xFF and data[place + 1] != 0xDA:
            length = 2 + int.from_bytes(data[place + 2 : place + 4])
        elif data[:4] == b"II*\0":
            length = 12
        else:
            length = 4 if data[:2] == b"BM" and place < 54 else end
        parts.append(data[place : place + length])
        place += length
    return [*parts, data[place:]] if place < end else parts


def _directory(data: bytes) -> int:
    """Where the first entry of a TIFF is."""
    return min(int.from_bytes(data[4:8], "little") + 2, len(data))


_DAMAGES: dict[str, Damage] = {
    "flipped": _flipped, "cut": _cut, "left out": _left_out, "twice": _twice, "emptied": _emptied,
    "length": _length, "spliced": _spliced, "shuffled": _shuffled, "mended": _mended,
}  # fmt: skip

MUTANTS: st.SearchStrategy[Mutant] = st.builds(
    Mutant,
    name=st.sampled_from(sorted(honest())),
    other=st.sampled_from(sorted(honest())),
    damages=st.lists(st.sampled_from(sorted(_DAMAGES)), min_size=1, max_size=_MOST_DAMAGES).map(tuple),
    seed=st.integers(0, 2**32 - 1),
)
