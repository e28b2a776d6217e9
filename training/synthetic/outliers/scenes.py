"""What a preparation finds in pictures without any writing: clouds, edges, blots of colour."""

import cv2
import numpy as np

from models_store.pictures.layout import centred
from models_store.pictures.one import writing
from models_store.preparation import WritingSpec
from training.synthetic.outliers.pen import SIDE, Grey

_SIDE = 72  # pixels of a picture
_OCTAVES = (3, 6, 12, 24)  # cells of the noise, each half as strong as the one before (Perlin 1985)
_BROAD = 0.5  # of its longer side
_SPEC = WritingSpec()


def found(rng: np.random.Generator) -> Grey:
    """uint8 [28, 28]: what is taken for the writing in a picture of clouds and shapes; never a bar, which is a 1."""
    while True:
        seen = writing.find(_scene(rng), _SPEC)
        if seen is not None and min(seen.strokes.shape) > _BROAD * max(seen.strokes.shape):
            return centred(seen.strokes, SIDE, SIDE)


def _scene(rng: np.random.Generator) -> Grey:
    height, width = _SIDE, int(_SIDE * rng.uniform(0.75, 1.4))
    picture = np.full((height, width, 3), rng.uniform(60, 200), np.float32)
    for number, cells in enumerate(_OCTAVES):
        channels = 3 if number < 2 else 1
        coarse = rng.normal(0, rng.uniform(10, 60) / 2**number, (cells, cells, channels)).astype(np.float32)
        layer = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        picture += layer.reshape(height, width, -1)
    for _ in range(rng.integers(0, 5)):
        colour = tuple(rng.uniform(0, 255, 3).tolist())
        middle = rng.uniform(0, 1, 2) * (width, height)
        corners = middle + rng.normal(0, rng.uniform(4, 24), (int(rng.integers(3, 7)), 2))
        hull = cv2.convexHull(corners.round().astype(np.int32))
        cv2.fillConvexPoly(picture, hull, colour, cv2.LINE_AA)
    return picture.clip(0, 255).astype(np.uint8)
