"""Digits drawn with a mouse or a finger on a screen: a screenshot, a transparent PNG."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.camera import grain, sensor
from benchmarks.camera.shape import SIDE, UNIT, Strokes

Field = NDArray[np.float32]

_ON_LIGHT = ((0, 0, 0), (0, 0, 0), (34, 34, 34), (0, 0, 255), (220, 20, 30), (0, 100, 40), (80, 40, 140))
_ON_DARK = ((255, 255, 255), (255, 255, 255), (255, 220, 60), (120, 220, 255), (140, 255, 150))


def screenshot(digit: Strokes, rng: np.random.Generator) -> bytes:
    """A drawing program's canvas, light or dark, with or without a smoothed edge, a border or a window's bar."""
    cover = _drawn(digit, rng)
    dark = rng.random() < 0.25
    ground = rng.integers(0, 50, 3) if dark and rng.random() < 0.5 else np.full(3, 0 if dark else 255)
    if not dark and rng.random() < 0.3:
        ground = rng.integers(215, 256, 3)
    inks = _ON_DARK if dark else _ON_LIGHT
    ink = np.array(inks[int(rng.integers(len(inks)))])
    picture = (ground + cover[..., None] * (ink - ground)).round().astype(np.uint8)
    if rng.random() < 0.4:
        picture = _framed(picture, rng)
    if rng.random() < 0.75:
        return sensor.png(Image.fromarray(picture))
    return sensor.jpeg(picture, rng, worst=60)


def transparent(digit: Strokes, rng: np.random.Generator) -> bytes:
    """Dark ink on nothing, as drawing apps export it; the colour under the nothing is the ink's, black or white."""
    cover = _drawn(digit, rng)
    ink = np.array(_ON_LIGHT[int(rng.integers(len(_ON_LIGHT)))], np.uint8)
    picture = np.zeros((*cover.shape, 4), np.uint8)
    picture[..., :3] = (ink, np.zeros(3), np.full(3, 255))[int(rng.integers(3))]
    picture[cover > 0, :3] = ink
    picture[..., 3] = (255 * cover).round().astype(np.uint8)
    return sensor.png(Image.fromarray(picture))


def _drawn(digit: Strokes, rng: np.random.Generator) -> Field:
    """0..1 [rows, columns]: a round brush of one width along the digit's centre line, a little shaky."""
    side = int(rng.integers(100, 600))  # the digit's square, whose middle two thirds it fills
    spine = cv2.resize(digit.spine, (side, side), interpolation=cv2.INTER_CUBIC)
    width = max(rng.uniform(0.03, 0.14), 2.5 * SIDE / UNIT / side)
    away = (width / 2 - spine + 0.008 * grain.clouds(side, side, 14, rng)) * side * UNIT / SIDE
    cover = np.clip(away + 0.5, 0, 1) if rng.random() < 0.7 else (away > 0).astype(np.float32)
    return _placed(np.asarray(cover, np.float32), rng)


def _placed(cover: Field, rng: np.random.Generator) -> Field:
    """Cut to the ink and put on a canvas, anywhere, of 20 to 90 % of its height."""
    rows, columns = np.flatnonzero(cover.any(1)), np.flatnonzero(cover.any(0))
    ink = cover[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height = round(ink.shape[0] / rng.uniform(0.25, 0.9)) + 8
    width = max(round(height * rng.choice([0.75, 1, 1, 1.33, 1.78])), round(1.1 * ink.shape[1]) + 8)
    canvas = np.zeros((height, width), np.float32)
    top, left = (int(rng.integers(3, room - length - 3)) for room, length in zip(canvas.shape, ink.shape, strict=True))
    canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return canvas


def _framed(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """With the canvas's border and, half the time, the window's bar above it."""
    line, tone = int(rng.integers(1, 4)), [int(rng.integers(90, 210))] * 3
    framed = cv2.copyMakeBorder(picture, line, line, line, line, cv2.BORDER_CONSTANT, value=tone)
    if rng.random() < 0.5:
        bar = [int(rng.integers(200, 245))] * 3
        framed = cv2.copyMakeBorder(framed, int(rng.integers(14, 34)), 0, 0, 0, cv2.BORDER_CONSTANT, value=bar)
    return np.asarray(framed, np.uint8)
