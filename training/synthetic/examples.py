"""Draws the example pictures of the documentation: digits as people send them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from training.synthetic import strokes

_SEED = 7


def write(folder: Path) -> Iterator[Path]:
    """Writes one PNG for each digit, different in paper, ink, size and place; the same in every run."""
    rng = np.random.default_rng(_SEED)
    folder.mkdir(parents=True, exist_ok=True)
    for label in range(10):
        on_board = label % 5 == 4  # chalk: light on dark
        paper = int(rng.integers(40, 70)) if on_board else int(rng.integers(205, 256))
        ink = int(rng.integers(215, 250)) if on_board else int(rng.integers(10, 90))
        size = int(rng.integers(160, 300)), int(rng.integers(200, 380))
        grey = strokes.on_paper(label, rng, size, height=int(rng.integers(70, 130)), ground=paper, pen_grey=ink)
        shadow = np.linspace(1, rng.uniform(0.75, 1), size[1]) * np.linspace(1, rng.uniform(0.85, 1), size[0])[:, None]
        grain = rng.normal(0, 3, size)
        path = folder / f"{label}.png"
        Image.fromarray((grey * shadow + grain).round().clip(0, 255).astype(np.uint8)).save(path, optimize=True)
        yield path
