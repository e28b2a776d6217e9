"""Lays a digit's strokes out as MNIST's authors did (yann.lecun.com/exdb/mnist). It knows no page and no models."""

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Ink = NDArray[np.float32]

_BOX = 20 / 28  # share of the side that the writing fills in MNIST


def centred(strokes: Ink, height: int, width: int) -> Grey:
    """Scales ink 0..1 [h, w] into the 20x20 box of 28x28 (or its like), its centre of mass in the middle.

    Returns uint8 [height, width].
    """
    h, w = strokes.shape
    scale = _BOX * min(height, width) / max(h, w)
    size = max(1, round(w * scale)), max(1, round(h * scale))
    small = cv2.resize(strokes, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    small = np.clip(small / max(float(np.percentile(small, 99)), 1e-6), 0, 1)
    moments = cv2.moments(small)
    if moments["m00"] == 0:
        return np.zeros((height, width), np.uint8)
    shift_x = (width - 1) / 2 - moments["m10"] / moments["m00"]
    shift_y = (height - 1) / 2 - moments["m01"] / moments["m00"]
    shift = np.array([[1, 0, round(shift_x)], [0, 1, round(shift_y)]], np.float32)
    return np.asarray(cv2.warpAffine((small * 255).round().astype(np.uint8), shift, (width, height)), np.uint8)
