"""A pinhole camera with a barrel-shaped lens over a flat page: which millimetre each pixel sees."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Matrix = NDArray[np.float64]

SMALLEST = 32  # pixels of a digit's height below which a person would have to guess


@dataclass(frozen=True)
class View:
    """`pose` takes (x mm, y mm, 1) of the page to (u, v, 1) on a sensor at distance 1, before the barrel bends it."""

    rows: int
    columns: int
    focal: float  # pixels
    pose: Matrix
    barrel: float
    px_per_mm: float  # where the digit is

    def plane(self) -> tuple[Field, Field]:
        """The page's x and y in millimetres [rows, columns] under every pixel; the digit's middle is at 0, 0."""
        u = ((np.arange(self.columns, dtype=np.float32) - (self.columns - 1) / 2) / self.focal)[None]
        v = ((np.arange(self.rows, dtype=np.float32) - (self.rows - 1) / 2) / self.focal)[:, None]
        back = np.linalg.inv(self.pose).astype(np.float32)
        bent = 1 + np.float32(self.barrel) * (u * u + v * v)
        x, y, w = (row[0] * (u * bent) + row[1] * (v * bent) + row[2] for row in back)
        return x / w, y / w

    def seen(self, points: Matrix) -> Matrix:
        """Pixels [n, 2] (column, row) of the page's points [n, 2] in millimetres, without the barrel."""
        u, v, w = self.pose @ np.column_stack([points, np.ones(len(points))]).T
        return np.column_stack([u / w * self.focal + (self.columns - 1) / 2, v / w * self.focal + (self.rows - 1) / 2])


def frame(longest: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
    """Rows and columns of a picture: 4:3, 3:2, 16:9 or square, upright or lying, log-uniform on the longer side."""
    longer = math.exp(rng.uniform(math.log(longest[0]), math.log(longest[1])))
    shorter = longer / rng.choice([4 / 3, 4 / 3, 3 / 2, 16 / 9, 1.0])
    return (round(longer), round(shorter)) if rng.random() < 0.5 else (round(shorter), round(longer))


def aim(
    size: tuple[int, int], box_mm: tuple[float, float], share: float, tilt: float, rng: np.random.Generator
) -> View:
    """A camera that sees the whole box (width, height in mm) at about `share` of the frame's height, anywhere in it.

    `tilt` is the most degrees that the page leans away. A view that would cut the box is drawn again, flatter and
    nearer to the middle.
    """
    rows, columns = size
    height = min(max(share * rows, SMALLEST), 0.86 * rows, 0.86 * columns * box_mm[1] / box_mm[0])
    focal = max(size) * rng.uniform(0.75, 1.4)  # phones: 26 to 50 mm in terms of 35 mm film
    lean = math.radians(min(abs(rng.normal(0, tilt / 2)), tilt))
    towards, roll = rng.uniform(0, 2 * math.pi), math.radians(float(np.clip(rng.normal(0, 5), -12, 12)))
    barrel = rng.uniform(0, 0.12)
    at = rng.uniform(-0.5, 0.5, 2) * (columns, rows)
    corners = np.array([[x, y] for x in (-0.5, 0.5) for y in (-0.5, 0.5)]) * box_mm
    for calm in np.linspace(1, 0, 12):
        view = _stood(size, focal, (lean * calm, towards, roll * calm), at * calm, barrel, height, corners)
        points, margin = view.seen(corners), 0.02 * max(size) * calm
        if (points > margin).all() and (points < np.array([columns, rows]) - margin).all():
            return view
    return view


def _stood(
    size: tuple[int, int],
    focal: float,
    angles: tuple[float, float, float],
    at: Matrix,
    barrel: float,
    height: float,
    corners: Matrix,
) -> View:
    lean, towards, roll = angles
    axis = np.array([math.cos(towards), math.sin(towards), 0]) * lean
    turned = cv2.Rodrigues(np.array([0.0, 0.0, roll]))[0] @ cv2.Rodrigues(axis)[0]
    distance = focal * float(np.ptp(corners[:, 1])) / height
    for _ in range(2):  # once upright, then with the foreshortening known
        middle = distance * np.array([at[0] / focal, at[1] / focal, 1])
        view = View(*size, focal, np.column_stack([turned[:, 0], turned[:, 1], middle]), barrel, focal / distance)
        distance *= float(np.ptp(view.seen(corners)[:, 1])) / height
    return view


def blurred(linear: Field, sigma: float, motion: float, rng: np.random.Generator) -> Field:
    """Out of focus by `sigma` pixels, and moved by `motion` pixels in a random direction."""
    if sigma > 0.25:
        linear = np.asarray(cv2.GaussianBlur(linear, (0, 0), sigma), np.float32)
    if motion >= 1.5:
        side = 2 * math.ceil(motion / 2) + 1
        kernel = np.zeros((side, side), np.float32)
        angle, middle = rng.uniform(0, math.pi), (side - 1) / 2
        reach = np.array([math.cos(angle), math.sin(angle)]) * motion / 2
        for step in np.linspace(-1, 1, 4 * side):
            column, row = (middle + reach * step).round().astype(int)
            kernel[row, column] += 1
        linear = np.asarray(cv2.filter2D(linear, -1, kernel / kernel.sum()), np.float32)
    return linear
