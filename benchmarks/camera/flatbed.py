"""Scans, photocopies and faxes of a written sheet: even light, a slight skew, known resolutions."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.camera import grain, sensor
from benchmarks.camera.lens import SMALLEST
from benchmarks.camera.papers import PAPERS, Ground, surface
from benchmarks.camera.pens import PENS, write
from benchmarks.camera.shape import Strokes

Field = NDArray[np.float32]
Grey = NDArray[np.uint8]

_MM = 25.4  # in an inch
_SHEETS = ("plain", "ruled", "squared", "dotted", "letter", "recycled", "form", "envelope")


@dataclass(frozen=True)
class Sheet:
    """Linear reflectance [rows, columns, 3] under the scanner, with the grey that ground and ink have there."""

    page: Field
    ground: float
    ink: float
    dpi: float


def scan(digit: Strokes, rng: np.random.Generator) -> bytes:
    """In colours or grey, a clean PNG or a good JPEG."""
    sheet = _under_glass(digit, _SHEETS, rng)
    lit = sheet.page * np.float32(rng.uniform(0.9, 1.12))
    noise = np.float32(rng.uniform(0.002, 0.012)) * grain.white(lit.shape[:2], rng)[..., None]
    picture = _eight_bits(lit ** np.float32(1 / 2.2) + noise)
    image = Image.fromarray(picture) if rng.random() < 0.6 else Image.fromarray(picture).convert("L")
    if rng.random() < 0.6 or image.mode == "L":
        return sensor.png(image, sheet.dpi)
    return sensor.jpeg(picture, rng, worst=60)


def bilevel(digit: Strokes, rng: np.random.Generator) -> bytes:
    """One bit a pixel, as a fax and office scanners send: cut between the ground and the ink, with a few specks."""
    sheet = _under_glass(digit, _SHEETS, rng)
    grey = _grey(sheet.page) + np.float32(rng.uniform(0, 0.03)) * grain.white(sheet.page.shape[:2], rng)
    ground, ink = sheet.ground ** (1 / 2.2), sheet.ink ** (1 / 2.2)
    black = grey < ground + rng.uniform(0.35, 0.55) * (ink - ground)
    black ^= _specks(black.shape, rng.uniform(0, 3e-4), 1, rng) > 0
    return sensor.png(Image.fromarray(~black), sheet.dpi)


def photocopy(digit: Strokes, rng: np.random.Generator) -> bytes:
    """Hard contrast, uneven toner, pepper, and sometimes the dark edge of a lid that was left open."""
    sheet = _under_glass(digit, _SHEETS, rng)
    grey = _grey(sheet.page)
    rows, columns = grey.shape
    ground, ink = sheet.ground ** (1 / 2.2), sheet.ink ** (1 / 2.2)
    steep = (grey - (ground + rng.uniform(0.4, 0.6) * (ink - ground))) / max(ground - ink, 0.1) * rng.uniform(6, 12)
    toner = 1 / (1 + np.exp(-np.clip(steep + 0.4 * grain.clouds(rows, columns, 40, rng), -20, 20)))
    copy = rng.uniform(0.05, 0.2) + toner * rng.uniform(0.74, 0.9)
    copy -= 0.8 * _specks((rows, columns), rng.uniform(5e-5, 5e-4), max(1, round(sheet.dpi / 150)), rng)
    if rng.random() < 0.3:
        away = (
            np.linspace(0, 1, columns, dtype=np.float32)[None]
            if rng.random() < 0.5
            else np.linspace(0, 1, rows)[:, None]
        )
        copy = copy * (1 - rng.uniform(0.4, 0.8) * np.exp(-away * rng.uniform(40, 90)))
    copy = cv2.GaussianBlur(copy.astype(np.float32), (0, 0), rng.uniform(0.4, 0.8))
    picture = _eight_bits(copy + np.float32(0.02) * grain.white((rows, columns), rng))
    if rng.random() < 0.5:
        return sensor.png(Image.fromarray(picture), sheet.dpi)
    return sensor.jpeg(np.repeat(picture[..., None], 3, 2), rng, worst=50)


def _under_glass(digit: Strokes, sheets: tuple[str, ...], rng: np.random.Generator) -> Sheet:
    paper = PAPERS[str(rng.choice(sheets))]
    high, dpi = rng.uniform(*paper.high), float(rng.choice([150, 200, 200, 300]))
    scale = max(dpi / _MM, SMALLEST / (digit.box[1] * high))
    tall = digit.box[1] * high * scale
    share = math.exp(rng.uniform(math.log(0.05), math.log(0.75)))
    rows = round(max(min(tall / share, 1000), 1.3 * tall))
    columns = max(round(rows * float(rng.choice([0.71, 1, 1.41]))), round(1.4 * digit.box[0] * high * scale))
    room = np.array([columns, rows]) / 2 - 0.62 * np.array(digit.box) * high * scale - 2
    at = rng.uniform(-1, 1, 2) * np.maximum(room, 0)
    x = (np.arange(columns, dtype=np.float32) - np.float32(columns / 2 + at[0]))[None] / np.float32(scale)
    y = (np.arange(rows, dtype=np.float32) - np.float32(rows / 2 + at[1]))[:, None] / np.float32(scale)
    skew = math.radians(float(np.clip(rng.normal(0, 1.2), -3, 3)))
    turn, lift = np.float32(math.cos(skew)), np.float32(math.sin(skew))
    ground = Ground(x * turn + y * lift, y * turn - x * lift, 1 / scale, high, rng)
    page = surface(paper, ground)
    level = float(np.median(page[:: max(1, rows // 40), :: max(1, columns // 40), 1]))
    writing = write(digit, PENS[str(rng.choice(paper.pens))], high, scale, rng)
    writing.put(page, ground.x, ground.y, math.radians(float(np.clip(rng.normal(0, 4), -9, 9))))
    strongest = float(np.percentile(writing.cover[writing.cover > 0.2], 60))
    ink = level * (1 - strongest * (1 - float(writing.colour @ _LUMA)))
    sharp = cv2.GaussianBlur(page, (0, 0), rng.uniform(0.35, 0.7))
    return Sheet(np.asarray(sharp, np.float32), level, ink, round(scale * _MM))


_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709


def _grey(page: Field) -> Field:
    return np.asarray(np.clip(page @ _LUMA, 0, 1) ** np.float32(1 / 2.2), np.float32)


def _specks(shape: tuple[int, ...], share: float, size: int, rng: np.random.Generator) -> Field:
    """1 where a speck of `size` to twice as many pixels lies, else 0."""
    dust = np.zeros(shape, np.float32)
    count = round(share * dust.size)
    rows, columns = rng.integers(0, shape[0], count), rng.integers(0, shape[1], count)
    for row, column, side in zip(rows, columns, rng.integers(size, 2 * size + 1, count), strict=True):
        dust[row : row + side, column : column + side] = 1
    return dust


def _eight_bits(level: Field) -> Grey:
    return np.asarray(np.clip(level * 255 + 0.5, 0, 255), np.uint8)
