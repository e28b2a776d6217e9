"""Drawings that are always the same, kept from one training to the next: whoever draws them waits a second."""

import contextlib
import functools
import hashlib
import io
import zlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

import models_store.pictures
import training.synthetic
from models_store import durable
from models_store.files import Pixels

FOLDER = ".drawn"  # beside the models of a store
_SUM_BYTES = 4  # a checksum before the array: a flipped bit is drawn anew
_UNREADABLE = (OSError, ValueError, EOFError, SyntaxError)  # what a damaged file makes of numpy's reader


def kept(folder: Path | None, name: str, draw: Callable[[], Pixels]) -> Pixels:
    """What `draw` draws: read from `folder` where it lies there, or drawn and left there. `name` says all that decides
    what it looks like but the code that draws, which is looked at here. Where no file can be used, it is drawn."""
    if folder is None:
        return draw()
    file = folder / f"{name}-{_drawing_code()}.npy"
    with contextlib.suppress(*_UNREADABLE):
        told, data = (whole := file.read_bytes())[:_SUM_BYTES], whole[_SUM_BYTES:]
        if told == _sum(data):
            pictures: Pixels = np.load(io.BytesIO(data), allow_pickle=False)
            return pictures
    pictures = draw()
    buffer = io.BytesIO()
    np.save(buffer, pictures)
    with contextlib.suppress(OSError):  # a full disk, or one that may only be read
        folder.mkdir(exist_ok=True)
        for old in folder.glob(f"{name.partition('-')[0]}-*"):  # another release's, or of other digits
            old.unlink(missing_ok=True)
        durable.write(file, _sum(buffer.getvalue()) + buffer.getvalue())
    return pictures


def _sum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(_SUM_BYTES)


@functools.cache
def _drawing_code() -> str:
    """Names the code that draws, and the libraries that it draws with: another release may draw otherwise."""
    found = hashlib.sha256("".join(version(name) for name in ("numpy", "opencv-python-headless")).encode())
    for package in (training.synthetic, models_store.pictures):
        for file in sorted(Path(package.__path__[0]).rglob("*.py")):
            found.update(file.read_bytes())
    return found.hexdigest()[:16]
