"""Draws docs/pictures/reading.png: the example pictures, what the model is given of each, and what it answers.

.venv/bin/python docs/figure.py
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from models_store.model import load_fastest
from models_store.pictures.prepare import prepare
from models_store.refs import Ref
from models_store.shipped_version import open_store

DOCS = Path(__file__).parent


def main() -> None:
    """Reads the examples with the shipped version and writes the figure."""
    with tempfile.TemporaryDirectory() as folder:
        version = open_store(Path(folder)).resolve(Ref("digits"))
        model = load_fastest(version.folder, version.manifest)
    examples = sorted((DOCS / "examples").glob("*.png"))
    figure, rows = plt.subplots(3, len(examples), figsize=(12, 3.4), layout="constrained", height_ratios=(1, 1, 0.7))
    for path, (page, seen, bars) in zip(examples, rows.T, strict=True):
        prepared = prepare(path.read_bytes(), model.picture)
        probabilities = model.predict(prepared.pixels[None])[0]
        best = int(probabilities.argmax())
        page.imshow(np.asarray(Image.open(path)), cmap="gray", vmin=0, vmax=255)
        seen.imshow(prepared.pixels[0], cmap="gray", vmin=0, vmax=255)
        bars.bar(range(10), probabilities, color=["tab:orange" if i == best else "0.8" for i in range(10)])
        bars.set(ylim=(0, 1), yticks=[], xticks=range(10))
        bars.tick_params(labelsize=6, length=0)
        bars.set_title(f"{model.labels[best]}  {probabilities[best]:.1%}", fontsize=9)
        for axes in (page, seen):
            axes.set(xticks=[], yticks=[])
    for axes, text in zip(rows[:, 0], ("the picture", "what the\nmodel sees", "its answer"), strict=True):
        axes.set_ylabel(text, rotation=0, ha="right", va="center", fontsize=9)
    figure.savefig(DOCS / "pictures" / "reading.png", dpi=100)


if __name__ == "__main__":
    main()
