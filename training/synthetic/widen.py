"""Widens training rows by what a version will meet: its digits in people's pictures, and pictures of no digit."""

import hashlib
import io
import json
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from models_store import durable, records
from models_store.machine import cores, end_with_parent
from models_store.pictures.layout import centred
from models_store.pictures.one import writing
from models_store.recipe import Recipe
from models_store.specs import InputSpec
from training.data.rows import OUTLIER, Rows, join
from training.report.progress import Reporter
from training.synthetic import photos, shapes
from training.synthetic.outliers.mixture import outliers

_CHUNK = 250  # digits that a process draws at a time
_DIGEST = 16  # bytes
_FAINT = 60  # grey levels: what never gets lighter has no strokes that could be cut out

Bitmap = NDArray[np.uint8]  # [1, 28, 28]


class PhotoAugmenter:
    """Puts digits into pictures and takes them out again. The same digit has the same pictures in whatever company."""

    def __init__(self, recipe: Recipe, report: Reporter, folder: Path | None = None) -> None:
        """With a `folder`, what was drawn is kept there and found again by recipes that would draw the same."""
        self._recipe = recipe
        self._report = report
        self._file = folder / f"photographs-{_key(recipe)}.npz" if folder else None
        self._known: dict[bytes, Bitmap] = {}  # by a digit's digest and the picture's number: what a net sees [1, H, W]

    def of(self, rows: Rows) -> Rows:
        """`copies` pictures of the rows, in their order, prepared as in serving; a row that can't be found in its
        picture stays as it is."""
        copies = self._recipe.photos.copies
        bitmaps = rows.pictures.numpy()
        wanted = [(_digest(bitmaps[row]), row) for row in range(len(rows))] if copies else []
        keys = [(digest + bytes([copy]), row) for digest, row in wanted for copy in range(_count(digest, copies))]
        if not keys:
            return rows[:0]
        self._draw({key: bitmaps[row] for key, row in keys})
        seen = np.stack([self._known[key] for key, _ in keys])
        return Rows(torch.from_numpy(seen), rows.labels[[row for _, row in keys]])

    def widened(self, rows: Rows) -> Rows:
        """The rows and drawn digits of rare shapes, pictures of both, and pictures of no digit, whose label is OUTLIER.

        Drawn digits are labelled 0 to 9: a data set with other labels must not ask for them.
        """
        count = round(self._recipe.photos.outliers * len(rows))
        drawn = outliers(count, self._recipe.seed, rows.pictures.numpy()) if count else rows.pictures[:0].numpy()
        none = Rows(torch.from_numpy(drawn), torch.full((count,), OUTLIER))
        drawn_digits = round(self._recipe.photos.shapes * len(rows))
        if drawn_digits:
            rows = join(rows, shapes.rows(drawn_digits, self._recipe.seed))
        return join(rows, self.of(rows), none)

    def _draw(self, wanted: dict[bytes, Bitmap]) -> None:
        if not self._known and self._file is not None and self._file.is_file():
            self._known = _unpacked(self._file.read_bytes())
        new = [(key, bitmap) for key, bitmap in wanted.items() if key not in self._known]
        if not new:
            return
        self._report.stage(f"drawing {len(new):,} pictures")
        parts = [new[start : start + _CHUNK] for start in range(0, len(new), _CHUNK)]
        drawn = zip(parts, _in_processes(parts, self._recipe.input, self._recipe.seed), strict=True)
        for number, (part, seen) in enumerate(drawn, start=1):
            self._known.update(zip((key for key, _ in part), seen, strict=True))
            self._report.progress("pictures", 1, number, len(parts))
        if self._file is not None:
            durable.write(self._file, _packed(self._known))


def photographed(bitmap: Bitmap, spec: InputSpec, seed: tuple[int, ...]) -> Bitmap:
    """A bitmap [1, 28, 28] in one picture, as a net then sees it: uint8 [1, H, W]."""
    if bitmap.max() <= _FAINT:
        return bitmap
    found = writing.find(photos.photograph(bitmap[0], np.random.default_rng(seed)), spec.writing)
    return bitmap if found is None else centred(found.strokes, spec.height, spec.width)[None]


def _digest(bitmap: Bitmap) -> bytes:
    return hashlib.sha256(bitmap.tobytes()).digest()[:_DIGEST]


def _count(digest: bytes, copies: float) -> int:
    """How many pictures this digit has, so that all have `copies` on average."""
    return int(copies) + (int.from_bytes(digest[:4]) < (copies - int(copies)) * 2**32)


Part = list[tuple[bytes, Bitmap]]


def _in_processes(parts: list[Part], spec: InputSpec, seed: int) -> Iterator[list[Bitmap]]:
    if cores() == 1 or len(parts) == 1:
        yield from (_drawn(part, spec, seed) for part in parts)
        return
    context = multiprocessing.get_context("spawn")  # a fork of a process with torch's threads may hang
    with ProcessPoolExecutor(cores(), context, initializer=end_with_parent, initargs=(os.getpid(),)) as pool:
        yield from pool.map(_drawn, parts, [spec] * len(parts), [seed] * len(parts))


def _drawn(part: Part, spec: InputSpec, seed: int) -> list[Bitmap]:
    cv2.setNumThreads(1)
    return [photographed(bitmap, spec, (seed, *key)) for key, bitmap in part]


def _packed(known: dict[bytes, Bitmap]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, keys=np.frombuffer(b"".join(known), np.uint8), pictures=np.stack(list(known.values())))
    return buffer.getvalue()


def _unpacked(data: bytes) -> dict[bytes, Bitmap]:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        keys, pictures = arrays["keys"].reshape(-1, _DIGEST + 1), arrays["pictures"]
    return {key.tobytes(): picture for key, picture in zip(keys, pictures, strict=True)}


def _key(recipe: Recipe) -> str:
    """Names all that decides what a digit's pictures look like."""
    what = [records.plain(recipe.input), recipe.seed]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
