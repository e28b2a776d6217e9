"""What preparation is worth: MNIST's test digits written into photographs, read after a plain resize and after ours.

    .venv/bin/python -m benchmarks.pictures      (MNIST in DIGITSERVE_DATA_DIR)

Each picture is 300x200: a digit of 60 to 130 pixels, dark on light, anywhere on the page, with a shadow and grain.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models_store.model import load_fastest, predict_all
from models_store.pictures.decode import to_png
from models_store.pictures.prepare import prepare
from models_store.refs import Ref
from models_store.registry import open_store
from training import data, sources
from training.errors import DataMissing

ROWS, SEED = 1000, 11
Grey = NDArray[np.uint8]


def main() -> int:
    """Prints the share read right and the milliseconds of preparation. Returns 2 where MNIST is missing."""
    try:
        rows = sources.mnist(Path(os.environ.get("DIGITSERVE_DATA_DIR") or "data")).test[:ROWS]
    except DataMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    digits, truth = data.as_numpy(rows)
    with tempfile.TemporaryDirectory() as folder:
        version = open_store(Path(folder)).resolve(Ref("digits"))
        model = load_fastest(version.folder, version.manifest)
    rng = np.random.default_rng(SEED)
    photographs = [_photograph(digit[0], rng) for digit in digits]
    shrunk = [cv2.resize(photograph, (28, 28), interpolation=cv2.INTER_AREA) for photograph in photographs]
    files = [to_png(photograph[None]) for photograph in photographs]
    began = time.perf_counter()
    prepared = [prepare(file, model.picture).pixels[0] for file in files]
    milliseconds = 1000 * (time.perf_counter() - began) / ROWS
    ways = {"resized": shrunk, "resized, colours inverted": [255 - small for small in shrunk], "prepared": prepared}
    print(f"{ROWS} of MNIST's test digits as photographs, seed {SEED}, {version.ref}")
    for way, seen in ways.items():
        answers = predict_all(model, np.asarray(np.stack(seen)[:, None], np.uint8)).argmax(1)
        print(f"  {way:<26} {(answers == truth).mean():.1%} right")
    print(f"  {milliseconds:.1f} ms to decode and prepare one")
    return 0


def _photograph(digit: Grey, rng: np.random.Generator) -> Grey:
    height, width = 200, 300
    side = int(rng.integers(60, 130))
    ink = cv2.resize(digit, (side, side), interpolation=cv2.INTER_CUBIC) / 255
    page = np.full((height, width), rng.uniform(180, 250))
    top, left = int(rng.integers(0, height - side)), int(rng.integers(0, width - side))
    page[top : top + side, left : left + side] *= 1 - ink * rng.uniform(0.5, 0.9)
    page *= np.linspace(1, rng.uniform(0.5, 1), width) * np.linspace(1, rng.uniform(0.6, 1), height)[:, None]
    return (page + rng.normal(0, 6, page.shape)).round().clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    sys.exit(main())
