"""Semeion's 1,593 digits (about 80 writers; UCI "Semeion Handwritten Digit") as people would scan them."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image


def read(folder: Path) -> tuple[list[str], list[bytes]]:
    """Names `label/number.png` and PNG files, dark on white with a margin. Raises OSError where `folder` has none."""
    lines = np.loadtxt(folder / "semeion" / "semeion.data")
    files = []
    for line in lines:
        ink = np.kron(line[:256].reshape(16, 16), np.ones((8, 8)))
        paper = np.pad(255 * (1 - ink), 60, constant_values=255).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(paper).save(buffer, "PNG")
        files.append(buffer.getvalue())
    return [f"{label}/{number}.png" for number, label in enumerate(lines[:, 256:].argmax(1))], files


def zipped(path: Path, names: list[str], files: list[bytes], which: Iterable[int]) -> Path:
    """Writes some of them as a zip with a folder per label."""
    with zipfile.ZipFile(path, "w") as archive:
        for index in which:
            archive.writestr(names[index], files[index])
    return path
