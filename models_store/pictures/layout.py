"""Lays a digit's strokes out as MNIST's authors did (yann.lecun.com/exdb/mnist)."""

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Ink = NDArray[np.float32]

_BOX = 20 / 28  # share of the side that the writing fills in MNIST
# Of MNIST's 70,000 digits the centre of mass is at most 1.0 pixel off the middle on either axis, and the longer side
# has 18 to 20 pixels above _FAINT. Shifted by 2 pixels, or in a box of 14 to 28, they are read as well as in place;
# shifted by 3 both ways, or in a box of 10, they are not (400 of the test, by digits@2).
_OFF = 2.0  # pixels
_LEAST_SIDE = 16  # pixels
_FAINT = 24  # grey levels


def lies_as_mnist(grey: Grey) -> bool:
    """Whether the ink of light on black [28, 28] lies as in MNIST: large enough, with its mass in the middle."""
    moments = cv2.moments(grey)
    if moments["m00"] == 0:
        return False
    height, width = grey.shape
    off_x, off_y = moments["m10"] / moments["m00"] - (width - 1) / 2, moments["m01"] / moments["m00"] - (height - 1) / 2
    _, _, wide, high = cv2.boundingRect((grey > _FAINT).view(np.uint8))
    return max(abs(off_x), abs(off_y)) <= _OFF and max(wide, high) >= _LEAST_SIDE


def centred(strokes: Ink, height: int, width: int) -> Grey:
    """Scales ink 0..1 [h, w] into the 20x20 box of 28x28 (or its like), its centre of mass in the middle.

    Returns uint8 [height, width]; nothing but 0 where there is no ink.
    """
    h, w = strokes.shape
    if not strokes.size:
        return np.zeros((height, width), np.uint8)
    scale = _BOX * min(height, width) / max(h, w)
    size = max(1, round(w * scale)), max(1, round(h * scale))
    small = cv2.resize(strokes, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    small = np.clip(small / max(float(np.percentile(small, 99)), 1e-6), 0, 1)
    # Of two columns OpenCV would take each row for a point, and a straight 1 for a line without area.
    moments = cv2.moments(cv2.copyMakeBorder(small, 0, 0, 0, 2, cv2.BORDER_CONSTANT, value=0))
    if moments["m00"] == 0:
        return np.zeros((height, width), np.uint8)
    shift_x = (width - 1) / 2 - moments["m10"] / moments["m00"]
    shift_y = (height - 1) / 2 - moments["m01"] / moments["m00"]
    shift = np.array([[1, 0, round(shift_x)], [0, 1, round(shift_y)]], np.float32)
    return np.asarray(cv2.warpAffine((small * 255).round().astype(np.uint8), shift, (width, height)), np.uint8)


def thickened(strokes: Ink, thin: float) -> Ink:
    """Strokes thinner than `thin` (in the digit's size) widened to that: shrunk to 20 pixels they would vanish."""
    mask = (strokes > 0.5).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    edge = sum(len(contour) for contour in contours)
    width = 2 * float(mask.sum()) / max(1, edge)  # of a long stroke: area over half its outline
    more = round(thin * max(strokes.shape) - width)
    if more < 1:
        return strokes
    pad = more // 2 + 1
    padded = cv2.copyMakeBorder(strokes, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (more + 1, more + 1))
    return np.asarray(cv2.dilate(padded, kernel), np.float32)
