"""`--shapes`: the shapes that people give their digits and MNIST hardly has, each beside the plain one it may be taken
for. Twenty hands draw each shape ten times; `benchmarks.camera` takes the pictures. Nothing is trained on them.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from app.inference import verdict
from benchmarks.camera import scene
from benchmarks.pictures.report import share
from models_store.model import Model, load_fastest, predict_all, use_threads
from models_store.pictures.prepare import prepare
from models_store.registry import Version

HANDS, EACH = 20, 10
_SIDE = 112  # pixels of a bitmap
_TREMBLE = 0.012  # of its side
_LINES, _BENDS = "straight", "bent"

Grey = NDArray[np.uint8]
Points = list[tuple[float, float]]  # x to the right, y down, in a unit square
Shape = list[tuple[str, Points]]

# By name and digit; the pen moves along each part in one go.
SHAPES: dict[str, tuple[int, Shape]] = {
    "1, a stroke": (1, [(_LINES, [(0.5, 0.03), (0.49, 0.97)])]),
    "1 with a short flag": (1, [(_LINES, [(0.36, 0.24), (0.55, 0.04), (0.55, 0.97)])]),
    "1 with a long flag": (1, [(_LINES, [(0.2, 0.46), (0.58, 0.04), (0.58, 0.97)])]),
    "1 with flag and foot": (1, [(_LINES, [(0.28, 0.36), (0.53, 0.04), (0.53, 0.96)]),
                                 (_LINES, [(0.27, 0.96), (0.8, 0.95)])]),
    "7": (7, [(_LINES, [(0.18, 0.06), (0.8, 0.06), (0.42, 0.97)])]),
    "7, crossed": (7, [(_LINES, [(0.18, 0.06), (0.8, 0.06), (0.42, 0.97)]), (_LINES, [(0.34, 0.51), (0.76, 0.48)])]),
    "7 with a hook, crossed": (7, [(_LINES, [(0.16, 0.22), (0.2, 0.06), (0.82, 0.07), (0.44, 0.97)]),
                                   (_LINES, [(0.32, 0.53), (0.78, 0.47)])]),
    "4, open": (4, [(_LINES, [(0.3, 0.04), (0.2, 0.56), (0.84, 0.56)]), (_LINES, [(0.66, 0.3), (0.64, 0.97)])]),
    "4, closed": (4, [(_LINES, [(0.66, 0.97), (0.66, 0.04), (0.14, 0.66), (0.88, 0.66)])]),
    "9": (9, [(_BENDS, [(0.74, 0.24), (0.5, 0.05), (0.26, 0.27), (0.48, 0.48), (0.72, 0.3), (0.74, 0.24)]),
              (_LINES, [(0.74, 0.22), (0.7, 0.97)])]),
    "9 with a hook": (9, [(_BENDS, [(0.74, 0.24), (0.5, 0.05), (0.26, 0.27), (0.48, 0.48), (0.72, 0.3), (0.75, 0.2),
                                    (0.74, 0.7), (0.52, 0.96), (0.26, 0.86)])]),
    "2 with a loop": (2, [(_BENDS, [(0.2, 0.26), (0.46, 0.05), (0.74, 0.24), (0.58, 0.58), (0.28, 0.9), (0.18, 0.8),
                                    (0.34, 0.74), (0.56, 0.88), (0.86, 0.84)])]),
    "0": (0, [(_BENDS, [(0.52, 0.04), (0.24, 0.24), (0.2, 0.6), (0.42, 0.95), (0.7, 0.82), (0.78, 0.4),
                        (0.52, 0.04)])]),
    "0 with a slash": (0, [(_BENDS, [(0.52, 0.04), (0.24, 0.24), (0.2, 0.6), (0.42, 0.95), (0.7, 0.82), (0.78, 0.4),
                                     (0.52, 0.04)]), (_LINES, [(0.76, 0.12), (0.22, 0.88)])]),
}  # fmt: skip


@dataclass(frozen=True)
class Hand:
    """How one person writes: slant and turn in radians, width to height, the pen as a share of the height."""

    slant: float
    turn: float
    narrow: float
    pen: float

    @classmethod
    def of(cls, rng: np.random.Generator) -> "Hand":
        """Another person."""
        uniform = rng.uniform
        return cls(uniform(-0.1, 0.45), uniform(-0.1, 0.1), uniform(0.7, 1.15), uniform(0.045, 0.11))


def bitmap(shape: Shape, hand: Hand, rng: np.random.Generator) -> Grey:
    """The shape as this hand draws it: uint8 [112, 112], 255 is ink."""
    drawn = np.zeros((_SIDE, _SIDE), np.uint8)
    for part in _placed([_moved(kind, points, hand, rng) for kind, points in shape]):
        pixels = (16 * part).round().astype(np.int32)  # OpenCV's fixed point: 4 bits
        cv2.polylines(drawn, [pixels], False, 255, max(2, round(hand.pen * _SIDE)), cv2.LINE_AA, shift=4)
    return drawn


def measure(version: Version, seed: int, console: Console) -> None:
    """Prints how each shape is read."""
    use_threads(1)
    model = load_fastest(version.folder, version.manifest)
    table = Table("drawn", "n", "right", "sure", "of the sure, right", "else read as", box=SIMPLE_HEAD)
    for place, (name, (digit, shape)) in enumerate(SHAPES.items()):
        said = [_read(file, version, model) for file in _pictures(shape, np.random.default_rng([seed, place]))]
        right = [label == str(digit) for label, _ in said]
        sure = [is_right for is_right, (_, uncertain) in zip(right, said, strict=True) if not uncertain]
        others = Counter(label for label, _ in said if label != str(digit))
        table.add_row(
            name, str(len(said)), share(sum(right), len(said)), share(len(sure), len(said)),
            share(sum(sure), len(sure)), " ".join(f"{label} ({count})" for label, count in others.most_common()),
        )  # fmt: skip
    console.print(f"Shapes in {HANDS} hands (seed {seed}), {version.ref}")
    console.print(table)


def _pictures(shape: Shape, rng: np.random.Generator) -> Iterator[bytes]:
    kinds = [kind for kind in scene.kinds() if kind != "large_photo"]
    for _ in range(HANDS):
        hand = Hand.of(rng)
        for _ in range(EACH):
            yield scene.photograph(bitmap(shape, hand, rng), str(rng.choice(kinds)), rng)


def _read(file: bytes, version: Version, model: Model) -> tuple[str, bool]:
    prepared = prepare(file, model.picture)
    said = verdict.of_picture(prepared, predict_all(model, prepared.pixels[None])[0], version.manifest)
    return said.label, said.uncertain


def _moved(kind: str, points: Points, hand: Hand, rng: np.random.Generator) -> NDArray[np.float64]:
    """The points [n, 2] that a hand makes of a part."""
    part = np.array(points) + rng.normal(0, _TREMBLE, (len(points), 2))
    part = _curve(part) if kind == _BENDS else part
    x, y = (part[:, 0] - 0.5) * hand.narrow - hand.slant * (part[:, 1] - 0.5), part[:, 1] - 0.5
    turn = hand.turn + rng.normal(0, 0.03)
    return np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], axis=1)


def _placed(parts: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """In pixels of the bitmap, in its middle, with room for the pen."""
    every = np.concatenate(parts)
    low, high = every.min(0), every.max(0)
    scale = 0.74 * _SIDE / float((high - low).max())
    return [_SIDE / 2 + (part - (low + high) / 2) * scale for part in parts]


def _curve(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A smooth line through the points: each coordinate a cubic Hermite spline with the neighbours' slope."""
    slopes = np.gradient(points, axis=0)
    t = np.linspace(0, 1, 12, endpoint=False)[:, None]
    pieces = [
        (2 * t**3 - 3 * t**2 + 1) * a + (t**3 - 2 * t**2 + t) * da + (3 * t**2 - 2 * t**3) * b + (t**3 - t**2) * db
        for a, b, da, db in zip(points, points[1:], slopes, slopes[1:], strict=False)
    ]
    return np.concatenate([*pieces, points[-1:]])
