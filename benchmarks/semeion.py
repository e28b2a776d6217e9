"""Semeion's 1,593 digits (about 80 writers; UCI "Semeion Handwritten Digit") as people would scan them."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def read(folder: Path) -> tuple[list[str], list[bytes]]:
    """Names `label/number.png` and PNG files, dark on white with a margin. Raises OSError where `folder` has none."""
    lines = np.loadtxt(folder / "semeion" / "semeion.data")
    labels = lines[:, 256:].argmax(1)
    return [f"{label}/{number}.png" for number, label in enumerate(labels)], [_scan(line, 60) for line in lines]


def cut(folder: Path) -> list[bytes]:
    """The same pictures without a margin: the digits fill their frames. Raises OSError."""
    return [_scan(line, 0) for line in np.loadtxt(folder / "semeion" / "semeion.data")]


def _scan(line: NDArray[np.float64], margin: int) -> bytes:
    ink = np.kron(line[:256].reshape(16, 16), np.ones((8, 8)))
    paper = np.pad(255 * (1 - ink), margin, constant_values=255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(paper).save(buffer, "PNG")
    return buffer.getvalue()


def zipped(path: Path, names: list[str], files: list[bytes], which: Iterable[int]) -> Path:
    """Writes some of them as a zip with a folder per label."""
    with zipfile.ZipFile(path, "w") as archive:
        for index in which:
            archive.writestr(names[index], files[index])
    return path
