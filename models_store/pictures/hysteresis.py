"""Connected ink by hysteresis (Canny 1986): weak pixels count where they touch strong ones."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Components:
    """Connected marks; number 0 is the ground."""

    labels: NDArray[np.int32]  # [h, w], the number of each pixel's mark
    stats: NDArray[np.int32]  # [n, 5], OpenCV's: left, top, width, height, area
    weights: NDArray[np.float64]  # [n], the ink of each, 0 for the ground
    strong: NDArray[np.intp]  # [n], how many strong pixels each has: those without any are no marks


def components(ink: NDArray[Any], weak: float, strong: float, full: int = 1) -> Components:
    """The marks of ink 0..`full` [h, w] above the share `weak` of it, and how many of their pixels are `strong`."""
    mask = (ink > full * weak).astype(np.uint8)
    count, labels, table, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    places = np.flatnonzero(labels)
    mine, values = labels.ravel()[places], ink.ravel()[places]
    weights = np.bincount(mine, weights=values / full, minlength=count)
    strongs = np.bincount(mine[values > full * strong], minlength=count)
    return Components(
        np.asarray(labels, np.int32), np.asarray(table, np.int32), np.asarray(weights, np.float64), strongs
    )
