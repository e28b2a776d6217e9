"""Widens training rows by what a version will meet: its digits in people's pictures, and pictures of no digit. It knows
no net and no loop.
"""

import hashlib
import io
import json
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from models_store import durable, records
from models_store.machine import cores
from models_store.pictures import writing
from models_store.pictures.layout import centred
from models_store.recipe import Recipe
from models_store.specs import InputSpec
from training import photos
from training.data import STRANGE, Rows, join
from training.report import Report
from training.strangers.mixture import strangers

_CHUNK = 500  # digits that a process draws at a time
_DIGEST = 16  # bytes
_FAINT = 60  # grey levels: what never gets lighter has no strokes that could be cut out

Bitmaps = NDArray[np.uint8]  # [N, 1, 28, 28]


class Photographer:
    """Puts digits into pictures and takes them out again. The same digit has the same pictures in whatever company."""

    def __init__(self, recipe: Recipe, report: Report, folder: Path | None = None) -> None:
        """With a `folder`, what was drawn is kept there and found again by recipes that would draw the same."""
        self._recipe = recipe
        self._report = report
        self._file = folder / f"photographs-{_key(recipe)}.npz" if folder else None
        self._known: dict[bytes, Bitmaps] = {}  # a digit's digest -> its pictures as a net sees them [copies, 1, H, W]

    def of(self, rows: Rows) -> Rows:
        """`copies` pictures of each row, one after another, prepared as in serving; a row that can't be found in its
        picture stays as it is."""
        copies = self._recipe.photos.copies
        if not copies:
            return rows[:0]
        bitmaps = rows.pictures.numpy()
        digests = [hashlib.sha256(bitmap.tobytes()).digest()[:_DIGEST] for bitmap in bitmaps]
        self._draw(dict(zip(digests, bitmaps, strict=True)))
        seen = np.concatenate([self._known[digest] for digest in digests])
        return Rows(torch.from_numpy(seen), rows.labels.repeat_interleave(copies))

    def widened(self, rows: Rows) -> Rows:
        """The rows, their pictures, and pictures of no digit, whose label is STRANGE."""
        count = round(self._recipe.photos.strangers * len(rows))
        drawn = strangers(count, self._recipe.seed, rows.pictures.numpy()) if count else rows.pictures[:0].numpy()
        none = Rows(torch.from_numpy(drawn), torch.full((count,), STRANGE))
        return join(rows, self.of(rows), none)

    def _draw(self, wanted: dict[bytes, Bitmaps]) -> None:
        if not self._known and self._file is not None and self._file.is_file():
            self._known = _unpacked(self._file.read_bytes())
        new = {digest: bitmap for digest, bitmap in wanted.items() if digest not in self._known}
        if not new:
            return
        parts = [list(new.items())[start : start + _CHUNK] for start in range(0, len(new), _CHUNK)]
        spec, copies, seed = self._recipe.input, self._recipe.photos.copies, self._recipe.seed
        self._report.stage(f"drawing {copies * len(new):,} pictures")
        drawn = zip(parts, _in_processes(parts, spec, copies, seed), strict=True)
        for number, (part, seen) in enumerate(drawn, start=1):
            self._known.update(zip((digest for digest, _ in part), seen, strict=True))
            self._report.progress("pictures", 1, number, len(parts))
        if self._file is not None:
            durable.write(self._file, _packed(self._known))


def photographed(bitmap: Bitmaps, spec: InputSpec, seed: int) -> Bitmaps:
    """A bitmap [1, 28, 28] in one picture, as a net then sees it: uint8 [1, H, W]."""
    if bitmap.max() <= _FAINT:
        return bitmap
    rng = np.random.default_rng([seed, int.from_bytes(hashlib.sha256(bitmap.tobytes()).digest()[:8])])
    found = writing.find(photos.photograph(bitmap[0], rng), spec.writing)
    return bitmap if found is None else centred(found.strokes, spec.height, spec.width)[None]


Part = list[tuple[bytes, Bitmaps]]


def _in_processes(parts: list[Part], spec: InputSpec, copies: int, seed: int) -> Iterator[list[Bitmaps]]:
    jobs = ([bitmap for _, bitmap in part] for part in parts)
    if cores() == 1 or len(parts) == 1:
        yield from (_drawn(bitmaps, spec, copies, seed) for bitmaps in jobs)
        return
    context = multiprocessing.get_context("spawn")  # a fork of a process with torch's threads may hang
    with ProcessPoolExecutor(cores(), context) as pool:
        yield from pool.map(_drawn, jobs, *([what] * len(parts) for what in (spec, copies, seed)))


def _drawn(bitmaps: list[Bitmaps], spec: InputSpec, copies: int, seed: int) -> list[Bitmaps]:
    cv2.setNumThreads(1)
    return [np.stack([photographed(bitmap, spec, 1000 * seed + copy) for copy in range(copies)]) for bitmap in bitmaps]


def _packed(known: dict[bytes, Bitmaps]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, digests=np.frombuffer(b"".join(known), np.uint8), pictures=np.stack(list(known.values())))
    return buffer.getvalue()


def _unpacked(data: bytes) -> dict[bytes, Bitmaps]:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        digests, pictures = arrays["digests"].reshape(-1, _DIGEST), arrays["pictures"]
    return {digest.tobytes(): picture for digest, picture in zip(digests, pictures, strict=True)}


def _key(recipe: Recipe) -> str:
    """Names all that decides what a digit's pictures look like."""
    what = [records.plain(recipe.input), recipe.photos.copies, recipe.seed]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
