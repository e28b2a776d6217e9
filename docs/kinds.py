"""Draws docs/pictures/kinds.png: one picture of every kind that `benchmarks.pictures` reports on, drawn by the project.

PYTHONPATH=. .venv/bin/python docs/kinds.py
"""

import io
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageOps

from benchmarks.camera import scene
from training.synthetic import strokes


def main() -> None:
    """Writes the sheet; the same in every run."""
    kinds = [kind for kind in scene.kinds() if kind != "large_photo"]
    figure, places = plt.subplots(4, 5, figsize=(11, 8), layout="constrained")
    for number, (kind, axes) in enumerate(zip(kinds, places.flat, strict=True)):
        rng = np.random.default_rng([3, number])
        picture = scene.photograph(strokes.unit(number % 10, rng), kind, rng)
        axes.imshow(ImageOps.exif_transpose(Image.open(io.BytesIO(picture))).convert("RGBA"))
        axes.set_title(kind.removeprefix("photo_").replace("_", " "), fontsize=9)
        axes.set(xticks=[], yticks=[])
    figure.savefig(Path(__file__).parent / "pictures" / "kinds.png", dpi=80)


if __name__ == "__main__":
    main()
