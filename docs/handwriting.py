"""A handwriting that the shipped version reads badly, made of scikit-learn's bundled digits.

python docs/handwriting.py corrections.zip      writes labelled pictures of it, a folder for each digit
"""

import base64
import io
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

SEED = 5
LEAN = 0.8  # to the left: pixels sideways for each pixel upwards
PALE = 100  # of 255: fainter ink is lost, as in a copy that came out too light
SIDE = 64  # pixels of the enlarged digit


@dataclass(frozen=True)
class Picture:
    """One written digit as a PNG, and which it is."""

    png: bytes
    label: str


def written(taught: int, kept: int) -> tuple[Sequence[Picture], Sequence[Picture]]:
    """So many pictures to teach, and so many others to judge by; the same ones whenever it is called."""
    scans, truth = load_digits(return_X_y=True)
    chosen = np.random.default_rng(SEED).permutation(len(truth))[: taught + kept]
    pictures = [Picture(_written(scans[index].reshape(8, 8)), str(truth[index])) for index in chosen]
    return pictures[:taught], pictures[taught:]


def _written(scan: NDArray[np.float64]) -> bytes:
    """A scan of 8x8 pixels, 0 (paper) to 16 (ink), enlarged on white paper, leaning, with its faint parts lost."""
    grey = Image.fromarray(np.uint8(255 - np.clip(scan, 0, 16) * 255 / 16))
    paper = Image.new("L", (2 * SIDE, 2 * SIDE), 255)
    paper.paste(grey.resize((SIDE, SIDE), Image.Resampling.BICUBIC), (SIDE // 2, SIDE // 2))
    leaning = (1, -LEAN, LEAN * SIDE, 0, 1, 0)
    paper = paper.transform(paper.size, Image.Transform.AFFINE, leaning, Image.Resampling.BICUBIC, fillcolor=255)
    buffer = io.BytesIO()
    paper.point([0] * PALE + [255] * (256 - PALE)).save(buffer, "PNG")
    return buffer.getvalue()


def as_zip(pictures: Sequence[Picture]) -> bytes:
    """A folder for each label, zipped: what people upload."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, picture in enumerate(pictures):
            archive.writestr(f"{picture.label}/{number:03}.png", picture.png)
    return buffer.getvalue()


def as_instances(pictures: Sequence[Picture]) -> dict[str, list[dict[str, str]]]:
    """What /v1/predict/batch reads as JSON."""
    return {"instances": [{"b64": base64.b64encode(picture.png).decode()} for picture in pictures]}


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(as_zip(written(100, 0)[0]))
