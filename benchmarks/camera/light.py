"""Light on a picture: falling off, a soft shadow, the lens's dark corners, a glossy spot."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
_COARSE = 96  # light changes slowly: it is drawn on a small grid and enlarged


def falling(rows: int, columns: int, rng: np.random.Generator) -> Field:
    """How much light reaches each pixel [rows, columns], 1 on average: a lamp to one side, dark corners."""
    u, v = _grid(rows, columns)
    away, angle = rng.uniform(0.2, 1.6), rng.uniform(0, 2 * math.pi)
    lamp = (u - away * math.cos(angle)) ** 2 + (v - away * math.sin(angle)) ** 2
    level = (1 + lamp / rng.uniform(1.2, 5) ** 2) ** -1.5  # a small lamp at that height: cosine times inverse square
    if rng.random() < 0.35:
        level = level * _shadow(u, v, rng)
    level = level * (1 - rng.uniform(0, 0.22) * (u**2 + v**2))
    return _enlarged(level / level.mean(), rows, columns)


def gloss(rows: int, columns: int, digit: tuple[float, float], rng: np.random.Generator) -> Field:
    """A lamp's or a window's reflection, clear of the digit at (column, row) in shares of the frame."""
    u, v = _grid(rows, columns)
    widest = max(rows, columns)
    at = np.array([2 * digit[0] - 1, 2 * digit[1] - 1]) * (columns / widest, rows / widest)
    angle, reach = math.atan2(-at[1], -at[0]) + rng.normal(0, 0.5), rng.uniform(0.75, 1.1)
    x, y = at[0] + reach * math.cos(angle), at[1] + reach * math.sin(angle)
    wide, tall = rng.uniform(0.08, 0.22, 2)
    spot = np.exp(-((np.abs(u - x) / wide) ** 2.5 + (np.abs(v - y) / tall) ** 2.5) / 2)
    return _enlarged(rng.uniform(0.3, 1.2) * spot, rows, columns)


def tint(rng: np.random.Generator) -> NDArray[np.float32]:
    """Gains of red, green and blue that the white balance left: from a warm bulb to a cold sky."""
    warm = float(np.clip(rng.normal(0, 0.5), -1, 1))
    return np.array([1 + 0.22 * warm, 1 + 0.03 * rng.normal(), 1 - 0.3 * warm], np.float32)


def _shadow(u: Field, v: Field, rng: np.random.Generator) -> Field:
    """Of a hand or a phone, 1 in the light: a wavy edge, or the phone's straight side and corner."""
    angle, depth = rng.uniform(0, 2 * math.pi), rng.uniform(0.25, 0.55)
    across = u * math.cos(angle) + v * math.sin(angle)
    along = v * math.cos(angle) - u * math.sin(angle)
    soft = rng.uniform(0.03, 0.15)
    edge = across - rng.uniform(-0.5, 0.7)
    if rng.random() < 0.5:
        for wave in (2, 4, 7):
            edge = edge + rng.normal(0, 0.16 / wave) * np.sin(wave * along + rng.uniform(0, 6))
    else:
        edge = np.minimum(edge, along - rng.uniform(-0.9, 0.2))
    return np.asarray(1 - depth / (1 + np.exp(-np.clip(edge / soft, -20, 20) * 2)), np.float32)


def _grid(rows: int, columns: int) -> tuple[Field, Field]:
    widest = max(rows, columns)
    u = np.linspace(-columns / widest, columns / widest, _COARSE, dtype=np.float32)
    v = np.linspace(-rows / widest, rows / widest, _COARSE, dtype=np.float32)
    across, down = np.meshgrid(u, v)
    return across, down


def _enlarged(level: Field, rows: int, columns: int) -> Field:
    return np.asarray(cv2.resize(level.astype(np.float32), (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)
