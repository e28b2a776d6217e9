"""Random textures: smooth, streaked and fine. They are drawn from the given generator."""

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def white(shape: tuple[int, ...], rng: np.random.Generator) -> Field:
    """Independent normal values, mean 0, deviation 1."""
    return rng.standard_normal(shape, np.float32)


def clouds(rows: int, columns: int, cells: int, rng: np.random.Generator) -> Field:
    """A smooth field of about `cells` hills along the longer side: mean near 0, deviation near 0.6."""
    longer = max(rows, columns)
    coarse = white((max(2, round(cells * rows / longer)) + 1, max(2, round(cells * columns / longer)) + 1), rng)
    return np.asarray(cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC), np.float32)


def tile(side: int, sigma_x: float, sigma_y: float, rng: np.random.Generator) -> Field:
    """Blurred noise [side, side] that repeats without a seam: mean 0, deviation 1."""
    noise = cv2.copyMakeBorder(white((side, side), rng), *(side // 2,) * 4, cv2.BORDER_WRAP)
    smooth = cv2.GaussianBlur(noise, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y)[
        side // 2 : -side // 2, side // 2 : -side // 2
    ]
    return np.asarray((smooth - smooth.mean()) / smooth.std(), np.float32)


def laid(texture: Field, x: Field, y: Field, samples_per_mm: float) -> Field:
    """A tile repeated over a plane, read at the points (x, y) in millimetres."""
    side = np.float32(texture.shape[0])
    along, down = (wrapped(axis * np.float32(samples_per_mm), side) for axis in (x, y))
    return np.asarray(cv2.remap(texture, along, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32)


def wrapped(value: Field, period: np.float32) -> Field:
    """The remainder, 0 to `period`: numpy's own takes five times as long."""
    return np.asarray(value - np.floor(value * (1 / period)) * period, np.float32)
