"""What `photos` are written on: sheets with or without printed lines, and the table under them."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

_MORE_ENDS = 0.4  # of the other sides where the sheet ends too
_SLANT = 0.12  # radians, at most, between a sheet and what is written on it
_LEAST_GAP = 0.1  # of the picture's longer side, between the digit and the frame, for a sheet to end there
_REACH = 30  # of the digit's height: rules go on to the edge of every picture


def sheet(height: int, width: int, rng: np.random.Generator) -> Plane:
    """Paper of some tone, with its fibres: float32 [H, W, 3], 0 to 255."""
    tone = rng.uniform(170, 252) * (1 - rng.uniform(0, 1, 3) * rng.choice([0.03, 0.1, 0.3], p=[0.6, 0.25, 0.15]))
    fibre = clouds(height, width, rng, 24) * rng.uniform(0, 5)
    return np.asarray(np.ones((height, width, 3), np.float32) * tone.astype(np.float32) + fibre[..., None], np.float32)


def draw_lines(paper: Plane, lines: str, tall: float, corners: Plane, rng: np.random.Generator) -> None:
    """Rules about as far apart as people write between them, turned as the digit is."""
    pitch = rng.uniform(0.9, 2.2) if lines == "ruled" else rng.uniform(0.35, 1.3)  # of the digit's height
    unit = np.array([[0, 0], [1.4, 0], [1.4, 1.4]], np.float32)  # the bitmap's frame in the digit's height
    there = cv2.getAffineTransform(unit, corners[:3])
    mask = np.zeros(paper.shape[:2], np.uint8)
    offset, thick = rng.uniform(0, pitch), max(1, round(rng.uniform(0.012, 0.04) * tall))
    for place in offset + pitch * np.arange(-_REACH, _REACH):
        ends = [[[-_REACH, place], [_REACH, place]], [[place, -_REACH], [place, _REACH]]]
        for end in ends if lines == "squared" else ends[:1]:
            a, b = cv2.transform(np.array([end], np.float32), there)[0].round().astype(int).tolist()
            cv2.line(mask, a, b, 255, thick, cv2.LINE_AA)
    tone = np.array(rng.choice([[150, 180, 220], [190, 190, 195], [120, 120, 130], [210, 160, 170]]), np.float32)
    alpha = mask.astype(np.float32)[..., None] / 255 * rng.uniform(0.25, 0.9)
    paper += (np.minimum(tone, paper) - paper) * alpha


def lay_on_table(paper: Plane, corners: Plane, rng: np.random.Generator) -> None:
    """The sheet ends beside the digit, on one side or several, and what it lies on is seen."""
    height, width = paper.shape[:2]
    low, high = corners.min(0), corners.max(0)
    gaps = np.array([low[0], low[1], width - high[0], height - high[1]])
    wide = gaps > _LEAST_GAP * max(height, width)
    if not wide.any():
        return
    ends = wide & (rng.random(4) < _MORE_ENDS)
    ends[rng.choice(np.flatnonzero(wide))] = True
    off = np.where(ends, rng.uniform(0.1, 0.95, 4) * gaps, gaps + 2 * max(height, width))  # from the digit's frame
    left, top, right, bottom = low[0] - off[0], low[1] - off[1], high[0] + off[2], high[1] + off[3]
    sheet = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    angle, middle = rng.uniform(-_SLANT, _SLANT), (low + high) / 2
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    table = np.full((height, width), 255, np.uint8)
    cv2.fillPoly(table, [((sheet - middle) @ turn + middle).round().astype(np.int32)], 0, cv2.LINE_AA)
    tone = np.array(rng.choice([[120, 80, 50], [40, 40, 45], [90, 90, 95], [170, 130, 90], [225, 225, 225]]))
    surface = tone * rng.uniform(0.6, 1.1) + clouds(height, width, rng, 12)[..., None] * rng.uniform(0, 8)
    paper += (surface - paper) * (table.astype(np.float32)[..., None] / 255)


def clouds(height: int, width: int, rng: np.random.Generator, cells: int) -> Plane:
    """Smooth noise of deviation about 1."""
    coarse = rng.normal(0, 1, (max(2, round(cells * height / max(height, width))), max(2, cells))).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
