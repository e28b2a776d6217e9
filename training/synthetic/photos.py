"""Draws digits into pictures as people take them: to train, to calibrate and to tune the preparation with. Nothing of
it reports how good a version is: `benchmarks.camera` does, which is of another kind.

Everything happens in the picture's own plane: a bitmap is enlarged, its edge is hardened, it is laid on paper through a
mild perspective, and light, grain and a JPEG's losses come on top.
"""

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthetic.paper import clouds, draw_lines, lay_on_table, sheet

Bitmap = NDArray[np.uint8]  # [28, 28], ink 255 on ground 0
Colour = NDArray[np.uint8]  # [H, W, 3]
Plane = NDArray[np.float32]

_FINE = 8  # a bitmap's pixel in pixels of its smooth shape
_ASPECTS = (1.0, 3 / 4, 4 / 3, 9 / 16, 16 / 9, 2 / 3)
_TABLES = 0.25  # share of the sheets whose edge is seen
_OLD = 0.4  # of the scans
_SMALLEST, _LARGEST = 90, 260  # pixels of a picture's longer side: more would only be shrunk again
_LEAST_HEIGHT = 26  # pixels of a digit: a person reads it at a glance


def photograph(bitmap: Bitmap, rng: np.random.Generator, kind: str | None = None) -> Colour:
    """One digit somewhere in a picture: uint8 [H, W, 3], of one of `KINDS` or of a random one."""
    kind = kind or str(rng.choice(list(KINDS), p=[weight for _, weight in KINDS.values()]))
    return KINDS[kind][0](bitmap, rng)


def _page(bitmap: Bitmap, rng: np.random.Generator, lines: str = "", least: float = 0.12, most: float = 0.85) -> Colour:
    """Dark ink on a sheet, plain, `ruled` or `squared`."""
    height, width = _frame(rng)
    share = math.exp(rng.uniform(math.log(least), math.log(most)))
    tall = max(_LEAST_HEIGHT, share * min(height, width))
    corners = _corners(height, width, tall, rng)
    paper = sheet(height, width, rng)
    if lines:
        draw_lines(paper, lines, tall, corners, rng)
    if rng.random() < _TABLES:
        lay_on_table(paper, corners, rng)
    alpha = _laid(_shape(bitmap, rng), corners, height, width)
    pen = _pen_colour(rng)
    alpha *= _worn(height, width, rng) * rng.uniform(0.55, 1.0)
    picture = paper * (1 - alpha[..., None]) + pen * alpha[..., None]
    return _taken(picture, rng)


def _board(bitmap: Bitmap, rng: np.random.Generator) -> Colour:
    """Chalk on a board, or a light pen on dark paper or a dark screen."""
    height, width = _frame(rng)
    corners = _corners(height, width, max(_LEAST_HEIGHT, rng.uniform(0.15, 0.8) * min(height, width)), rng)
    tint = rng.choice([[40, 60, 45], [45, 45, 48], [20, 20, 22], [60, 45, 35], [35, 45, 70]])
    board = np.ones((height, width, 3), np.float32) * np.asarray(tint, np.float32) * rng.uniform(0.4, 1.5)
    board += clouds(height, width, rng, 5)[..., None] * rng.uniform(0, 16)  # wiped chalk
    alpha = _laid(_shape(bitmap, rng), corners, height, width) * rng.uniform(0.6, 1.0)
    if rng.random() < 0.7:
        grain = rng.random((height, width)).astype(np.float32)
        alpha *= np.clip(0.4 + 1.2 * cv2.GaussianBlur(grain, (3, 3), 0), 0, 1)
    chalk = np.array([235, 235, 225], np.float32) * rng.uniform(0.8, 1.05)
    return _taken(board * (1 - alpha[..., None]) + chalk * alpha[..., None], rng)


def _crop(bitmap: Bitmap, rng: np.random.Generator) -> Colour:
    """Cut tight around the digit: little or no paper is left beside it."""
    rows, columns = np.flatnonzero(bitmap.max(1) > 60), np.flatnonzero(bitmap.max(0) > 60)
    cut = bitmap[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    alpha = _shape(cut, rng)
    top, bottom, left, right = (rng.uniform(-0.02, 0.15, 4) * max(alpha.shape)).clip(0).astype(int).tolist()
    alpha = np.asarray(cv2.copyMakeBorder(alpha, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0), np.float32)
    scale = math.exp(rng.uniform(math.log(20), math.log(320))) / max(alpha.shape)
    size = max(4, round(alpha.shape[1] * scale)), max(4, round(alpha.shape[0] * scale))
    if rng.random() < 0.4:  # squeezed into a square, as data sets do
        size = max(size), max(size)
    alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR).clip(0, 1)
    ground, ink = rng.uniform(170, 255), rng.uniform(0, 90)
    if rng.random() < 0.3:
        ground, ink = ink, ground
    grey = ground + (ink - ground) * alpha * rng.uniform(0.8, 1)
    return _noisy(np.repeat(grey[..., None], 3, axis=2), rng, rng.uniform(0, 6))


def _scan(bitmap: Bitmap, rng: np.random.Generator) -> Colour:
    """A flat scan or a photocopy: even light, no perspective, sometimes black and white only."""
    side = int(rng.integers(60, 400))
    height, width = side, int(side * rng.uniform(0.6, 1.6))
    tall = max(_LEAST_HEIGHT, rng.uniform(0.3, 0.9) * min(height, width))
    shape = _coarse(_shape(bitmap, rng), rng) if rng.random() < _OLD else _shape(bitmap, rng)
    alpha = _laid(shape, _corners(height, width, tall, rng, tilt=0.0), height, width)
    grey = rng.uniform(225, 255) * (1 - alpha * rng.uniform(0.6, 1))
    page = _noisy(np.repeat(grey[..., None], 3, axis=2), rng, rng.uniform(0, 8), jpeg=False)
    if rng.random() < 0.4:
        page = np.where(page > rng.uniform(110, 170), np.uint8(255), np.uint8(0))
        specks = rng.random((height, width)) < rng.uniform(0, 0.002)
        page[specks] = 0
    return page


KINDS: dict[str, tuple[Callable[[Bitmap, np.random.Generator], Colour], float]] = {
    "plain": (_page, 0.27),
    "ruled": (lambda bitmap, rng: _page(bitmap, rng, "ruled", 0.15), 0.17),
    "squared": (lambda bitmap, rng: _page(bitmap, rng, "squared", 0.15), 0.14),
    "board": (_board, 0.14),
    "crop": (_crop, 0.16),
    "scan": (_scan, 0.12),
}  # and how often each comes


def _frame(rng: np.random.Generator) -> tuple[int, int]:
    longer = math.exp(rng.uniform(math.log(_SMALLEST), math.log(_LARGEST)))
    aspect = float(rng.choice(_ASPECTS))
    return (round(longer), round(longer * aspect)) if aspect <= 1 else (round(longer / aspect), round(longer))


def _corners(height: int, width: int, tall: float, rng: np.random.Generator, tilt: float = 0.09) -> Plane:
    """Where the bitmap's four corners come to lie; its 20x20 box is `tall` pixels high and whole in the frame."""
    side = tall * 28 / 20
    angle = math.radians(rng.normal(0, 5))
    square = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) * side
    square = square @ np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    square += rng.normal(0, 1, (4, 2)) * tilt / 2 * side
    room_x, room_y = max(0.0, (width - tall * 1.1) / 2), max(0.0, (height - tall * 1.1) / 2)
    middle = width / 2 + rng.uniform(-room_x, room_x), height / 2 + rng.uniform(-room_y, room_y)
    return np.asarray(square + np.array(middle), np.float32)


def _shape(bitmap: Bitmap, rng: np.random.Generator) -> Plane:
    """The bitmap, enlarged, with a smooth hard edge, as if written with a pen of another width: ink 0..1."""
    large = cv2.resize(bitmap.astype(np.float32) / 255, None, fx=_FINE, fy=_FINE, interpolation=cv2.INTER_CUBIC)
    smooth = cv2.GaussianBlur(large, (0, 0), _FINE * 0.5)
    edge, soft = rng.uniform(0.22, 0.6), rng.uniform(0.05, 0.2)
    return np.asarray(np.clip((smooth - edge) / soft + 0.5, 0, 1), np.float32)


def _coarse(shape: Plane, rng: np.random.Generator) -> Plane:
    """Black and white in a few pixels, as old scanners and data sets have it, and often squeezed into a square."""
    side, square = int(rng.integers(13, 26)), rng.random() < 0.5
    least, sharp = rng.uniform(0.35, 0.6), rng.random() < 0.5
    rows, columns = np.flatnonzero(shape.max(1) > 0.5), np.flatnonzero(shape.max(0) > 0.5)
    if not len(rows):
        return shape
    cut = shape[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    fewest = side // 2 if square else 3  # a 1 would fill the square
    high, wide = (max(fewest, round(side * length / max(cut.shape))) for length in cut.shape)
    few = cv2.resize(cut, (wide, high), interpolation=cv2.INTER_AREA) > least
    how = cv2.INTER_NEAREST if sharp else cv2.INTER_LINEAR
    large = cv2.resize(few.astype(np.float32), None, fx=160 / side, fy=160 / side, interpolation=how)  # 20 of 28 x 8
    coarse = np.zeros_like(shape)
    top, left = (coarse.shape[0] - large.shape[0]) // 2, (coarse.shape[1] - large.shape[1]) // 2
    coarse[top : top + large.shape[0], left : left + large.shape[1]] = large
    return coarse


def _laid(shape: Plane, corners: Plane, height: int, width: int) -> Plane:
    side = shape.shape[0]
    source = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
    shrink = side / float(np.linalg.norm(corners[1] - corners[0]))
    if shrink > 1.5:  # warping samples points: blurred first, no edge is missed
        shape = np.asarray(cv2.GaussianBlur(shape, (0, 0), 0.4 * shrink), np.float32)
    there = cv2.getPerspectiveTransform(source, corners)
    return np.asarray(cv2.warpPerspective(shape, there, (width, height), flags=cv2.INTER_LINEAR), np.float32)


def _pen_colour(rng: np.random.Generator) -> Plane:
    pens = [[25, 25, 28], [20, 35, 130], [15, 15, 60], [160, 25, 30], [20, 100, 50], [90, 90, 95], [70, 20, 90]]
    pen = np.array(pens[rng.choice(len(pens), p=[0.33, 0.26, 0.12, 0.1, 0.06, 0.09, 0.04])], np.float32)
    return np.asarray(pen + rng.normal(0, 12, 3), np.float32).clip(0, 255)


def _worn(height: int, width: int, rng: np.random.Generator) -> Plane:
    """How much of the ink is there: a pen's pressure comes and goes, a pencil catches the paper's grain."""
    worn = 1 - np.clip(clouds(height, width, rng, 8), 0, 1) * rng.uniform(0, 0.35)
    if rng.random() < 0.25:
        worn = worn * np.clip(0.5 + rng.random((height, width)), 0, 1)
    return np.asarray(worn, np.float32)


def _light(height: int, width: int, rng: np.random.Generator) -> Plane:
    """Light that falls off to one side, a soft shadow, darker corners: factors [H, W]."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    angle, fall = rng.uniform(0, 2 * math.pi), rng.uniform(0, 0.4)
    light = 1 - fall * (0.5 + 0.5 * (x * math.cos(angle) + y * math.sin(angle)))
    if rng.random() < 0.4:  # a hand's or a telephone's shadow
        angle, place, soft = rng.uniform(0, 2 * math.pi), rng.uniform(-0.7, 0.7), rng.uniform(0.02, 0.3)
        side = (x * math.cos(angle) + y * math.sin(angle) - place) / soft
        light = light * (1 - rng.uniform(0.15, 0.55) / (1 + np.exp(-np.clip(4 * side, -30, 30))))
    light = light * (1 - rng.uniform(0, 0.2) * (x**2 + y**2) / 2)
    return np.asarray(light, np.float32)


def _taken(picture: Plane, rng: np.random.Generator) -> Colour:
    """The picture in some light, through a lens, with a sensor's grain."""
    height, width = picture.shape[:2]
    picture = picture * _light(height, width, rng)[..., None] * rng.uniform(0.55, 1.08)
    blur = rng.uniform(0, 0.004) * max(height, width)
    if blur > 0.4:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.float32)
    return _noisy(picture, rng, rng.uniform(0, 9))


def _noisy(picture: Plane, rng: np.random.Generator, deviation: float, jpeg: bool = True) -> Colour:
    grain = rng.standard_normal(picture.shape[:2], np.float32)[..., None]
    noisy: Colour = (picture + deviation * grain).round().clip(0, 255).astype(np.uint8)
    if not jpeg or rng.random() < 0.3:
        return noisy
    _, file = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 95))])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)
