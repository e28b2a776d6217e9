"""Develops linear light into an 8-bit picture and saves it as cameras do: noise, tone, sharpening, JPEG, EXIF."""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.camera import grain

Field = NDArray[np.float32]
Colours = NDArray[np.uint8]

_ORIENTATION = 0x0112  # EXIF 2.3, 4.6.4
_TURNED = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


def exposure(level: float, target: float) -> float:
    """The gain that takes linear `level`, the ground's, to the sRGB value `target`, 0..1."""
    return float(target**2.2 / max(level, 1e-4))


def develop(linear: Field, dirt: float, rng: np.random.Generator) -> Colours:
    """uint8 [rows, columns, 3] of linear light. `dirt` 0..1 is how high the amplifier was turned.

    Photons and the amplifier both add noise, so the dark parts gain most once the tone curve lifts them; interpolating
    the colour filter's mosaic makes the colours' noise coarser than the brightness's.
    """
    rows, columns = linear.shape[:2]
    shot, read = 10 ** (-4.6 + 1.9 * dirt), 10 ** (-6.5 + 2.0 * dirt)
    coarse = grain.white((rows // 2 + 1, columns // 2 + 1, 3), rng)
    noise = np.asarray(cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)
    noise += grain.white((rows, columns), rng)[..., None]
    spread = np.maximum(linear, 0)  # in place from here on: these arrays are large
    spread *= np.float32(0.56 * shot)
    spread += np.float32(0.56 * read)
    noise *= np.sqrt(spread, out=spread)
    noise += linear
    np.clip(noise, 0, 1, out=noise)
    noise *= 4095
    steps = np.linspace(0, 1, 4096) ** (1 / 2.2)
    curve = rng.uniform(0, 0.5)  # phones steepen the middle
    steps = (1 - curve) * steps + curve * (3 * steps**2 - 2 * steps**3)
    table = (255 * steps + 0.5).astype(np.uint8)
    picture = table[noise.astype(np.uint16)]
    if rng.random() < 0.4:
        strength, soft = rng.uniform(0.3, 0.9), cv2.GaussianBlur(picture, (0, 0), 1.2)
        picture = np.asarray(cv2.addWeighted(picture, 1 + strength, soft, -strength, 0), np.uint8)
    return picture


def jpeg(picture: Colours, rng: np.random.Generator, worst: int = 35) -> bytes:
    """A JPEG file of quality `worst` to 95 with or without halved colours; some lie on a side and say so in EXIF."""
    image, exif = Image.fromarray(picture), Image.Exif()
    way = int(rng.choice([0, 0, 0, 1, 3, 6, 8]))
    if way in _TURNED:
        image = image.transpose(_TURNED[way])
    if way:
        exif[_ORIENTATION] = way
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(rng.integers(worst, 96)), subsampling=int(rng.choice([0, 1, 2, 2])), exif=exif)
    return file.getvalue()


def png(image: Image.Image, dpi: float | None = None) -> bytes:
    """A PNG file, with its resolution where a scanner knows it."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=3, **({"dpi": (dpi, dpi)} if dpi else {}))
    return file.getvalue()
