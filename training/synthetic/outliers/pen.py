"""Draws strokes as a hand would, and lays them out as MNIST does."""

from collections.abc import Sequence

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from models_store.pictures.layout import centred

Grey = NDArray[np.uint8]
Stroke = NDArray[np.float64]  # [n, 2] of x to the right and y down in 0..1

SIDE = 28
_UNIT = 80  # pixels of the unit square: four times MNIST's box, shrunk to smooth edges
_MARGIN = 40  # for what bends and slants out of it
_WAVES = 3


def unit(
    strokes: Sequence[Stroke], rng: np.random.Generator, *, slant: float = 0.3, turn: float = 0.15, width: float = 0
) -> Grey:
    """Strokes in MNIST's layout: uint8 [28, 28], light ink on black.

    The pen is `width` of the square wide, or a twelfth to a sixth. Every call slants (by up to `slant`), turns (by up
    to `turn` radians), squeezes and bends a little differently.
    """
    canvas = np.zeros((_UNIT + 2 * _MARGIN, _UNIT + 2 * _MARGIN), np.uint8)
    thickness = max(1, round(_UNIT * (width or rng.uniform(0.08, 0.17))))
    points = bent(np.concatenate(strokes) - 0.5, rng, slant, turn)
    places = np.rint((points + 0.5) * _UNIT + _MARGIN).astype(np.int32)
    ends = np.cumsum([len(stroke) for stroke in strokes])[:-1]
    cv2.polylines(canvas, np.split(places, ends), False, 255, thickness, cv2.LINE_AA)
    return laid_out(canvas)


def bent(points: Stroke, rng: np.random.Generator, slant: float, turn: float) -> Stroke:
    """Points around 0 after a random affine map and a smooth random field of a few waves."""
    angle, lean, ratio = rng.uniform(-turn, turn), rng.uniform(-slant, slant), np.exp(rng.uniform(-0.2, 0.2))
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[cos, -sin], [sin, cos]]) @ np.array([[ratio, -lean], [0, 1 / ratio]])
    waves, phases = rng.normal(0, 4, (2, _WAVES)), rng.uniform(0, 2 * np.pi, _WAVES)
    amplitudes = rng.normal(0, 0.018, (_WAVES, 2))
    return np.asarray(points @ matrix.T + np.sin(points @ waves + phases) @ amplitudes)


def laid_out(canvas: MatLike) -> Grey:
    """The ink of uint8 [H, W] cut out, scaled into the 20x20 box of 28x28, its centre of mass in the middle."""
    left, top, width, height = cv2.boundingRect(canvas)
    strokes = canvas[top : top + height, left : left + width].astype(np.float32) / np.float32(255)
    return centred(strokes, SIDE, SIDE)
