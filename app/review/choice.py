"""Which uncertain pictures a person should look at first: those that differ.

Next is always the picture with the largest doubt times distance to the nearest chosen one: the greedy k-center choice
of Sener and Savarese (2018, arXiv:1708.00489), weighted with the model's doubt.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SIDE = 14  # pixels: half of MNIST's, enough to tell shapes apart and nearly blind to a stroke's exact edge

Pixels = NDArray[np.uint8]


def sketch(pixels: Pixels) -> bytes:
    """A prepared picture, uint8 [C, H, W], as 14x14 bytes of brightness: what tells it from others."""
    rows, columns = (np.arange(_SIDE) * side // _SIDE for side in pixels.shape[1:])
    sums = np.add.reduceat(np.add.reduceat(pixels.mean(0), rows, 0), columns, 1)
    areas = np.outer(_widths(rows, pixels.shape[1]), _widths(columns, pixels.shape[2]))
    return (sums / areas).round().astype(np.uint8).tobytes()


def spread(confidences: Sequence[float], sketches: Sequence[bytes], count: int) -> list[int]:
    """The indices of up to `count` pictures, the least confident one first; among equals the first one.

    `sketches` are those of `sketch`, one for each confidence.
    """
    points = np.frombuffer(b"".join(sketches), np.uint8).reshape(-1, _SIDE * _SIDE).astype(np.float32) / 255
    doubts = 1 - np.asarray(confidences, np.float64)
    nearest = np.ones(len(points))  # as long as nothing is chosen, doubt alone counts
    chosen: list[int] = []
    while len(chosen) < min(count, len(points)):
        scores = doubts * nearest
        scores[chosen] = -1
        best = int(np.argmax(scores))
        distances = np.linalg.norm(points - points[best], axis=1)
        nearest = np.minimum(nearest, distances) if chosen else distances
        chosen.append(best)
    return chosen


def _widths(starts: NDArray[np.int_], end: int) -> NDArray[np.int_]:
    """How many pixels each cell sums; where there are fewer pixels than cells, a cell takes one."""
    return np.maximum(np.diff(starts, append=end), 1)
