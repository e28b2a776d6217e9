"""Digits placed and laid out the slow way, with Pillow and numpy only: what the preparations are compared with."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Grey = NDArray[np.uint8]
Strokes = NDArray[np.float32]
Colour = tuple[int, int, int]


def placed(
    strokes: Strokes, size: tuple[int, int], top: int, left: int, ground: int = 255, ink: int = 30
) -> NDArray[np.float64]:
    """Grey levels [rows, columns] of a sheet with the strokes at that place."""
    height, width = strokes.shape
    sheet = np.full(size, float(ground))
    sheet[top : top + height, left : left + width] += strokes * (ink - ground)
    return sheet


def coloured(
    strokes: Strokes, size: tuple[int, int], top: int, left: int, ground: Colour = (250,) * 3, ink: Colour = (30,) * 3
) -> Grey:
    """The same in colours: uint8 [rows, columns, 3]."""
    alpha = placed(strokes, size, top, left, 0, 1)[..., None]
    return grey(np.array(ground) * (1 - alpha) + np.array(ink) * alpha)


def grey(levels: NDArray[np.floating]) -> Grey:
    """The nearest uint8 levels."""
    return levels.round().clip(0, 255).astype(np.uint8)


def naive(strokes: Strokes) -> Grey:
    """MNIST's layout: the longer side becomes 20 pixels, the centre of mass the middle of 28x28."""
    image = Image.fromarray(grey(strokes * 255.0))
    scale = 20 / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    small = np.asarray(image.resize(size, Image.Resampling.BOX))
    x, y = centre_of_mass(small)
    room = np.zeros((84, 84), np.uint8)
    top, left = 28 + round(13.5 - y), 28 + round(13.5 - x)
    room[top : top + small.shape[0], left : left + small.shape[1]] = small
    return room[28:56, 28:56]


def centre_of_mass(picture: Grey) -> tuple[float, float]:
    """(x, y) in pixels."""
    rows, columns = np.indices(picture.shape)
    weight = picture.astype(np.float64)
    return float((columns * weight).sum() / weight.sum()), float((rows * weight).sum() / weight.sum())


def likeness(left: Grey, right: Grey) -> float:
    """Correlation of two pictures, the best of nine shifts by at most a pixel: centres of mass round either way."""
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return max(float(np.corrcoef(np.roll(left, shift, (0, 1)).ravel(), right.ravel())[0, 1]) for shift in shifts)
