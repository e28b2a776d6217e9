"""Pictures that are no digits, for a net to learn to be uncertain of.

Hendrycks, Mazeika and Dietterich 2019 ("Deep Anomaly Detection with Outlier Exposure", arXiv:1812.04606).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthetic.outliers import digits as of_digits
from training.synthetic.outliers import marks, scenes
from training.synthetic.outliers.pen import SIDE, Grey

_OF_DIGITS, _OF_SCENES = 0.3, 0.12  # the shares of those made of digits, and of what pictures without writing show
_MOVED, _ENLARGED, _BLURRED = 0.08, 0.06, 0.2  # the shares of those that are not as MNIST lays digits out


def outliers(count: int, seed: int, digits: Grey | None = None) -> Grey:
    """uint8 [count, 1, 28, 28], light ink on black in MNIST's layout, in random order: the same for the same seed.

    `digits`, uint8 [N, 1, 28, 28], are what overlapping, neighbouring and crossed-out digits are made of, drawn ones by
    default.
    """
    rng = np.random.default_rng(seed)
    units = of_digits.drawn() if digits is None else digits[:, 0]
    pictures = np.empty((count, 1, SIDE, SIDE), np.uint8)
    mark_names, of_digits_names = tuple(marks.KINDS), tuple(of_digits.KINDS)
    for index in range(count):
        which = rng.random()
        if which < _OF_SCENES:
            picture = scenes.found(rng)
        elif which < _OF_SCENES + _OF_DIGITS:
            name = of_digits_names[_drawn(_SHARES_OF_DIGITS, rng)]
            picture = of_digits.KINDS[name][1](units, rng)
        else:
            picture = marks.KINDS[mark_names[_drawn(_SHARES, rng)]][1](rng)
        pictures[index, 0] = _varied(picture, rng)
    return pictures


def _varied(picture: Grey, rng: np.random.Generator) -> Grey:
    """A few off the middle, a few that fill the frame, a few blurred."""
    if rng.random() < _BLURRED:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 0.8)), np.uint8)
    what = rng.random()
    if what < _MOVED:
        shift = np.array([[1, 0, rng.integers(-4, 5)], [0, 1, rng.integers(-4, 5)]], np.float32)
        return np.asarray(cv2.warpAffine(picture, shift, (SIDE, SIDE)), np.uint8)
    if what < _MOVED + _ENLARGED:
        return np.asarray(cv2.resize(picture[3:-3, 3:-3], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)
    return picture


_SHARES = np.cumsum([share for share, _ in marks.KINDS.values()])
_SHARES_OF_DIGITS = np.cumsum([share for share, _ in of_digits.KINDS.values()])


def _drawn(cumulated: NDArray[np.float64], rng: np.random.Generator) -> int:
    return int(np.searchsorted(cumulated, rng.random() * cumulated[-1]))
