"""Small and odd pictures as files: any mode that can be saved, any content, every fourth file damaged."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from models_store.pictures.decode import FORMATS

_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "I", "I;16", "F")
_FOREIGN = (("PPM", "L"), ("TIFF", "F"))  # of which every one is refused
_DAMAGES = (None,) * 6 + ("cut", "flipped")
_ORIENTATION = 274  # EXIF 2.32
_ANY_SIDE = st.integers(1, 40) | st.sampled_from((1, 2, 3, 8, 20, 28))  # pixels

Levels = NDArray[np.float64]  # [H, W], 0..1
Draw = Callable[[np.random.Generator, int, int], Levels]


def _blank(rng: np.random.Generator, height: int, width: int) -> Levels:
    return np.full((height, width), rng.choice([0, 1, rng.random()]))


def _noise(rng: np.random.Generator, height: int, width: int) -> Levels:
    return rng.random((height, width))


def _gradient(rng: np.random.Generator, height: int, width: int) -> Levels:
    y, x = np.mgrid[:height, :width]
    return np.asarray((y * rng.random() + x * rng.random()) / (height + width) * rng.choice([1, 5]) % 1)


def _dots(rng: np.random.Generator, height: int, width: int) -> Levels:
    levels = _blank(rng, height, width)
    for _ in range(rng.choice([1, 1, 2, 9])):
        levels[rng.integers(height), rng.integers(width)] = rng.random()
    return levels


def _strokes(rng: np.random.Generator, height: int, width: int) -> Levels:
    levels = _blank(rng, height, width)
    for _ in range(rng.integers(1, 6)):
        top, left = rng.integers(height), rng.integers(width)
        tall, wide = rng.permutation([rng.integers(1, 4), rng.integers(1, 41)])
        levels[top : top + tall, left : left + wide] = rng.choice([0, 1, rng.random()])
    return levels


def _blurred(rng: np.random.Generator, height: int, width: int) -> Levels:
    """Soft blots, as a digit has that was shrunk to a few pixels."""
    coarse = (255 * rng.random(rng.integers(1, 6, 2))).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)) / 255


_KINDS: tuple[Draw, ...] = (_blank, _noise, _gradient, _dots, _strokes, _blurred)


@dataclass(frozen=True)
class OddPicture:
    """What a picture is made of. It says so where one is found at which something breaks."""

    kind: str  # PNG, JPEG, ...
    mode: str
    width: int
    height: int
    content: Draw
    alpha: Draw | None  # None: 0 everywhere
    seed: int
    orientation: int
    damage: str | None  # cut at a byte, or with one bit flipped

    def file(self) -> bytes:
        """The same bytes each time."""
        buffer = io.BytesIO()
        exif = Image.Exif()
        exif[_ORIENTATION] = self.orientation
        self._image().save(buffer, self.kind, **({"exif": exif} if self.kind in ("PNG", "JPEG", "WEBP") else {}))
        data = bytearray(buffer.getvalue())
        place = int(np.random.default_rng(self.seed).integers(8 * len(data)))
        if self.damage == "flipped":
            data[place // 8] ^= 1 << place % 8
        return bytes(data[: place // 8] if self.damage == "cut" else data)

    def _image(self) -> Image.Image:
        rng = np.random.default_rng(self.seed)
        size = self.height, self.width

        def band(draw: Draw | None) -> NDArray[np.uint8]:
            return np.zeros(size, np.uint8) if draw is None else (255 * draw(rng, *size)).astype(np.uint8)

        if self.mode in ("1", "I", "I;16", "F"):
            levels = self.content(rng, *size)
            if self.mode == "1":
                return Image.fromarray(levels > 0.5)
            ways = {"I": (65_535, np.int32), "I;16": (65_535, np.uint16), "F": (255, np.float32)}
            scale, kind = ways[self.mode]
            return Image.fromarray((scale * levels).astype(kind))
        bands = [band(self.content) for _ in range(Image.getmodebands(self.mode))]
        if self.mode in ("LA", "RGBA", "PA"):
            bands[-1] = band(self.alpha)
        image = Image.frombytes(self.mode, self.size, np.stack(bands, axis=-1).tobytes())
        if self.mode in ("P", "PA"):
            image.putpalette(rng.bytes(768))
            if self.mode == "P" and rng.random() < 0.5:
                image.info["transparency"] = rng.bytes(256) if self.kind == "PNG" else int(rng.integers(256))
        return image

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height


@cache
def writable() -> tuple[tuple[str, str], ...]:
    """Every format that is read with every mode that Pillow saves in it, and two that are not."""
    found = list(_FOREIGN)
    for kind in FORMATS:
        for mode in _MODES:
            try:
                OddPicture(kind, mode, 3, 2, _noise, _noise, 1, 1, None).file()
            except (OSError, ValueError, KeyError):
                continue
            found.append((kind, mode))
    return tuple(found)


def _made(way: tuple[str, str], **facts: object) -> OddPicture:
    return OddPicture(*way, **facts)  # type: ignore[arg-type]


ODD_PICTURES: st.SearchStrategy[OddPicture] = st.builds(
    _made,
    st.sampled_from(writable()),
    width=_ANY_SIDE,
    height=_ANY_SIDE,
    content=st.sampled_from(_KINDS),
    alpha=st.none() | st.sampled_from(_KINDS),
    seed=st.integers(0, 2**32 - 1),
    orientation=st.integers(1, 8),
    damage=st.sampled_from(_DAMAGES),
)
