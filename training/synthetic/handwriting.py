"""Digits in many handwritings: other shapes, pens and slants than probes have, for a net to be asked about.

Where a net's own training pictures are not at hand, what it says of such drawings stands for what it knows.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models_store.pictures.layout import centred
from training.synthetic.strokes import Grey, Strokes, digit

# What people write beside the shapes of `strokes`: a bare stroke or a foot for 1, a loop in 2, a bar through 7.
_SHAPES: dict[int, list[Strokes]] = {
    0: [[(True, [(0.66, 0.14), (0.4, 0.06), (0.18, 0.4), (0.24, 0.84), (0.6, 0.94), (0.84, 0.5), (0.6, 0.06)])]],
    1: [
        [(False, [(0.5, 0.05), (0.5, 0.95)])],
        [(False, [(0.3, 0.3), (0.54, 0.05), (0.5, 0.93)]), (False, [(0.26, 0.95), (0.78, 0.93)])],
    ],
    2: [
        [(True, [(0.22, 0.22), (0.5, 0.05), (0.74, 0.24), (0.58, 0.6), (0.3, 0.9), (0.18, 0.78), (0.4, 0.74)]),
         (True, [(0.4, 0.74), (0.6, 0.9), (0.88, 0.86)])],
        [(True, [(0.18, 0.16), (0.5, 0.06), (0.78, 0.14), (0.5, 0.5), (0.2, 0.88)]),
         (False, [(0.2, 0.88), (0.8, 0.94)])],
    ],
    3: [[(False, [(0.22, 0.07), (0.76, 0.07), (0.46, 0.42)]),
         (True, [(0.46, 0.42), (0.76, 0.52), (0.74, 0.84), (0.46, 0.95), (0.2, 0.84)])]],
    4: [
        [(False, [(0.66, 0.95), (0.66, 0.05), (0.18, 0.64), (0.86, 0.64)])],
        [(True, [(0.24, 0.06), (0.22, 0.4), (0.42, 0.54), (0.7, 0.44)]), (False, [(0.74, 0.06), (0.66, 0.95)])],
    ],
    5: [[(True, [(0.74, 0.06), (0.4, 0.1), (0.3, 0.4), (0.6, 0.46), (0.72, 0.74), (0.5, 0.94), (0.2, 0.86)])]],
    6: [[(True, [(0.5, 0.04), (0.36, 0.4), (0.34, 0.84), (0.5, 0.95), (0.62, 0.8), (0.5, 0.66), (0.36, 0.78)])]],
    7: [
        [(False, [(0.2, 0.1), (0.8, 0.08), (0.46, 0.95)]), (False, [(0.36, 0.52), (0.8, 0.48)])],
        [(True, [(0.18, 0.2), (0.3, 0.1), (0.78, 0.1), (0.56, 0.5), (0.46, 0.95)])],
    ],
    8: [[(True, [(0.7, 0.14), (0.42, 0.06), (0.34, 0.3), (0.66, 0.64), (0.6, 0.92), (0.34, 0.9), (0.36, 0.64),
                 (0.72, 0.14)])]],
    9: [
        [(True, [(0.7, 0.2), (0.46, 0.06), (0.28, 0.28), (0.5, 0.44), (0.7, 0.2), (0.72, 0.6), (0.54, 0.93),
                 (0.28, 0.88)])],
        [(True, [(0.66, 0.12), (0.36, 0.14), (0.36, 0.42), (0.66, 0.38), (0.68, 0.1)]),
         (False, [(0.68, 0.1), (0.66, 0.95)])],
    ],
}  # fmt: skip


def pictures(count: int, seed: int) -> Grey:
    """uint8 [count, 1, 28, 28] in MNIST's layout, from 0 to 9 in turn: the same for the same seed."""
    rng = np.random.default_rng(seed)
    return np.stack([_picture(number % 10, rng)[None] for number in range(count)])


def _picture(label: int, rng: np.random.Generator) -> Grey:
    shapes = [None, *_SHAPES[label]]
    shape, pen = shapes[rng.integers(len(shapes))], float(rng.uniform(0.06, 0.17))
    return centred(_slanted(digit(label, 40, rng, pen, shape), rng.uniform(-0.15, 0.45)), 28, 28)


def _slanted(strokes: NDArray[np.float32], slant: float) -> NDArray[np.float32]:
    """Sheared to the right by `slant` of its height, and cut to the strokes again."""
    height, width = strokes.shape
    matrix = np.array([[1, -slant, height + slant * height / 2], [0, 1, 0]], np.float32)  # with room on both sides
    wide = cv2.warpAffine(strokes, matrix, (width + 2 * height, height))
    columns = np.flatnonzero((wide > 0.02).any(0))
    return np.asarray(wide[:, columns[0] : columns[-1] + 1], np.float32)
