"""Scribbles, blots, dots, textures and printed letters in MNIST's layout."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import cv2
import numpy as np

from training.synthetic.outliers import glyphs, pen
from training.synthetic.outliers.pen import SIDE, Grey
from training.synthetic.strokes import smooth

Mark = Callable[[np.random.Generator], Grey]  # uint8 [28, 28], light on black

_PRINTED = 96  # pixels: the canvas of a printed letter
_POINTS = 6  # a side of the coarse grid by which it is bent
_GRID = np.stack(np.meshgrid(*2 * [np.linspace(-0.5, 0.5, _POINTS)]), axis=-1).reshape(-1, 2)
_FACES = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX)
PRINTABLE = "ACEFHKLMNPRTUVWXdefhkmnptwx"


def written_letter(rng: np.random.Generator) -> Grey:
    """A letter of `glyphs` by hand."""
    return pen.unit(glyphs.strokes(_one_of(_LETTERS, rng)), rng)


def sign(rng: np.random.Generator) -> Grey:
    """An arrow, a star, a house: a sign of `glyphs` by hand."""
    return pen.unit(glyphs.strokes(_one_of(_SIGNS, rng)), rng, slant=0.15)


def printed_letter(rng: np.random.Generator) -> Grey:
    """A letter in a face of OpenCV's, thin or bold, then slanted, turned and bent."""
    letter, face = _one_of(PRINTABLE, rng), _FACES[rng.integers(len(_FACES))]
    page = _page(letter, face, int(rng.integers(2, 9)))
    places = (pen.bent(_GRID, rng, 0.3, 0.2) + 0.5) * (_PRINTED - 1)
    coarse = places.reshape(_POINTS, _POINTS, 2).astype(np.float32)
    map_xy = cv2.resize(coarse, (_PRINTED, _PRINTED), interpolation=cv2.INTER_CUBIC)
    return pen.laid_out(cv2.remap(page, map_xy[..., 0], map_xy[..., 1], cv2.INTER_LINEAR))


def scribble(rng: np.random.Generator) -> Grey:
    """One or two curves that come through every part of a square, so that they don't look like writing."""
    curves = []
    for _ in range(rng.integers(1, 3)):
        cells = np.concatenate([rng.permutation(9), rng.permutation(9)])[: rng.integers(15, 19)]
        points = (np.stack([cells % 3, cells // 3], axis=1) + rng.random((len(cells), 2))) / 3
        curves.append(smooth(points, 6))
    return pen.unit(curves, rng, width=rng.uniform(0.04, 0.09))


def zigzag(rng: np.random.Generator) -> Grey:
    """A line to and fro, pointed or wavy, four times at least."""
    count = int(rng.integers(8, 16))
    across = np.linspace(0, 1, count)
    upright = rng.random() < 0.3
    ways = (np.arange(count) % 2) * rng.uniform(0.6 if upright else 0.25, 1)
    points = np.stack([across, ways], axis=1) + rng.normal(0, 0.03, (count, 2))
    points = points[:, ::-1] if upright else points
    path = smooth(points, 6) if rng.random() < 0.5 else glyphs.dense(points)
    return pen.unit([path], rng, turn=0.5, width=rng.uniform(0.05, 0.1))


def spiral(rng: np.random.Generator) -> Grey:
    """Three to five turns from the middle, by a thin pen, either way around."""
    angle = np.linspace(0, 2 * np.pi * rng.uniform(3, 5), 120)
    radius = 0.5 * angle / angle[-1]
    begin, way = rng.uniform(0, 2 * np.pi), rng.choice((-1, 1))
    points = np.stack([radius * np.cos(begin + way * angle), radius * np.sin(begin + way * angle)], axis=1) + 0.5
    return pen.unit([points], rng, width=rng.uniform(0.05, 0.08))


def hatching(rng: np.random.Generator) -> Grey:
    """Four lines or more beside each other, and in every second case as many across them."""
    count = int(rng.integers(4, 8))
    strokes = []
    for axis in range(int(rng.integers(1, 3))):
        for place in np.linspace(0, 1, count):
            line = np.stack([np.linspace(0, 1, 8), np.full(8, place)], axis=1) + rng.normal(0, 0.03, (1, 2))
            strokes.append(line[:, :: (1 if axis else -1)])
    return pen.unit(strokes, rng, turn=0.8, width=rng.uniform(0.05, 0.12))


def dots(rng: np.random.Generator) -> Grey:
    """Three to eight dots apart from each other."""
    canvas = np.zeros((80, 80), np.uint8)
    radius = int(rng.integers(4, 11))
    cells = rng.permutation(9)[: rng.integers(3, 9)]
    for cell in cells:
        x, y = (int(13 + 27 * (cell // step % 3) + rng.integers(-2, 3)) for step in (1, 3))
        cv2.circle(canvas, (x, y), radius, 255, cv2.FILLED, cv2.LINE_AA)
    return pen.laid_out(canvas)


def blot(rng: np.random.Generator) -> Grey:
    """A filled shape with an irregular edge."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    waves = [rng.normal(0, 0.35 / k) * np.cos(k * angles + rng.uniform(0, 6.3)) for k in range(1, 6)]
    radius = np.clip(1 + np.sum(waves, axis=0), 0.35, 2)
    points = np.stack([radius * np.cos(angles), radius * np.sin(angles) * rng.uniform(0.7, 1.4)], axis=1)
    canvas = np.zeros((100, 100), np.uint8)
    cv2.fillPoly(canvas, [np.rint(50 + 22 * points).astype(np.int32)], 255, cv2.LINE_AA)
    return pen.laid_out(canvas)


def texture(rng: np.random.Generator) -> Grey:
    """Noise, clouds, stripes, a checker or half of the frame: on a patch of MNIST's size or all over."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    kind, angle = rng.integers(6), rng.uniform(0, np.pi)
    along, across = columns * np.cos(angle) + rows * np.sin(angle), rows * np.cos(angle) - columns * np.sin(angle)
    period, phase = rng.uniform(3, 8), rng.uniform(0, 2 * np.pi)
    if kind == 0:
        values = rng.random((SIDE, SIDE)) ** rng.uniform(0.5, 3)
    elif kind in (1, 2):
        clouds = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)), (0, 0), rng.uniform(0.8, 1.6))
        values = clouds / (2 * clouds.std()) + 0.5 if kind == 1 else (clouds > 0).astype(np.float64)
    elif kind == 3:
        values = 0.5 + 1.5 * np.sin(2 * np.pi * along / period + phase)
    elif kind == 4:
        values = 0.5 + 3 * np.sin(2 * np.pi * along / period + phase) * np.sin(2 * np.pi * across / period)
    else:
        values = along - rng.uniform(-4, 4) + 0.5
    picture = (255 * np.clip(values, 0, 1)).astype(np.uint8)
    if kind != 5 and rng.random() < 0.6:
        side = int(rng.integers(2, 7))
        picture = np.pad(picture[side:-side, side:-side], side)
    return picture


KINDS: Mapping[str, tuple[float, Mark]] = {  # with their shares
    "written letter": (0.34, written_letter),
    "printed letter": (0.14, printed_letter),
    "sign": (0.2, sign),
    "scribble": (0.08, scribble),
    "zigzag": (0.05, zigzag),
    "spiral": (0.02, spiral),
    "hatching": (0.04, hatching),
    "dots": (0.02, dots),
    "blot": (0.03, blot),
    "texture": (0.08, texture),
}
_LETTERS, _SIGNS = tuple(glyphs.LETTERS.values()), tuple(glyphs.SIGNS.values())


def _one_of(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


@cache
def _page(letter: str, face: int, thickness: int) -> Grey:
    """The letter alone, about two thirds of the page high."""
    page = np.zeros((2 * _PRINTED, 2 * _PRINTED), np.uint8)
    cv2.putText(page, letter, (50, 130), face, 2.5, 255, thickness, cv2.LINE_AA)
    left, top, width, height = cv2.boundingRect(page)
    longest = max(width, height)
    scale = 0.7 * _PRINTED / longest
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(page[top : top + height, left : left + width], size, interpolation=cv2.INTER_AREA)
    above, before = (_PRINTED - size[1]) // 2, (_PRINTED - size[0]) // 2
    return np.pad(small, ((above, _PRINTED - above - size[1]), (before, _PRINTED - before - size[0])))
