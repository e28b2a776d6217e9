"""Rows and forms of 2 to 12 digits, drawn from MNIST's test digits, read as POST /v1/read reads them.

    .venv/bin/python -m benchmarks.rows [REF] [--store FOLDER]      (MNIST in DIGITSERVE_DATA_DIR)

A digit is right where the nearest one that was found has its label; a row is whole where nothing else was found in it
and all are right, in order. Touching ones are counted apart: there a digit may be right or uncertain.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from app.inference import verdict
from benchmarks.forms import KINDS, Drawn, Grey, draw
from models_store.model import Model, load_fastest, predict_all, use_threads
from models_store.pictures.decode import open_picture
from models_store.pictures.many.page import PreparedPage, page_of
from models_store.pictures.marks import BoundingBox
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.shipped_version import open_store
from training.data import sources
from training.data.rows import as_numpy
from training.errors import DataMissing

PICTURES, SEED = 200, 77


@dataclass
class Count:
    """Of one kind of picture."""

    digits: int = 0
    right: int = 0
    uncertain: int = 0  # and not right
    rows: int = 0
    whole: int = 0

    def add(self, other: "Count") -> None:
        """Adds another count to this one."""
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def main() -> int:
    """Prints the table. Returns 2 where MNIST is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ref", nargs="?", default="digits", help="default: the shipped version")
    parser.add_argument("--store", type=Path, help="default: a fresh one")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    try:
        digits, truth = as_numpy(sources.mnist(Path(os.environ.get("DIGITSERVE_DATA_DIR") or "data")).test)
    except DataMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    use_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        registry = Registry(options.store) if options.store else open_store(Path(folder))
        version = registry.resolve(Ref.parse(options.ref))
        model = load_fastest(version.folder, version.manifest)
    kinds = [*KINDS, "touching"]
    counts = {kind: Count() for kind in kinds}
    seconds = []
    for i in range(PICTURES + PICTURES // len(KINDS)):
        kind = KINDS[i % len(KINDS)] if i < PICTURES else "touching"
        drawn, places = scene(digits[:, 0], kind, np.random.default_rng([options.seed, i]))
        began = time.thread_time()
        page = page_of(open_picture(drawn.file, 16_000_000), model.picture)
        seconds.append(time.thread_time() - began)
        counts[kind].add(judged(page, drawn, [str(truth[place]) for place in places], version, model))
    _show(counts, version.ref, seconds, options.seed)
    return 0


def scene(digits: Grey, kind: str, rng: np.random.Generator) -> tuple[Drawn, list[int]]:
    """A picture of 2 to 12 of the digits, and which they are."""
    places = rng.integers(0, len(digits), int(rng.integers(2, 13))).tolist()
    drawn = draw(digits[places], "plain" if kind == "touching" else kind, kind == "touching", rng)
    return drawn, places


def judged(page: PreparedPage, drawn: Drawn, labels: list[str], version: Version, model: Model) -> Count:
    """What was read, beside what was written."""
    manifest = version.manifest
    answers = predict_all(model, page.pixels) if len(page.pixels) else np.empty((0, len(manifest.labels)), np.float32)
    lines = page.lines(answers.max(1, initial=0).tolist())
    read = [[i for number in line for i in number] for line in lines]
    said = {i: manifest.labels[int(answers[i].argmax())] for line in read for i in line}
    found = _matched(page, [i for line in read for i in line], drawn)
    count = Count(digits=len(labels), rows=len(drawn.rows))
    verdicts = verdict.of_page(page, answers, manifest)
    doubtful = [i for i in said if verdicts[i].uncertain]
    for place, label in enumerate(labels):
        i = found.get(place)
        if i is not None and said[i] == label:
            count.right += 1
        else:
            count.uncertain += any(_off(page.candidates[k].box, drawn.middles[place]) is not None for k in doubtful)
    texts = ["".join(said[i] for i in line) for line in read]
    for row in drawn.rows:
        text = "".join(labels[place] for place in row)
        if text in texts:
            count.whole += 1
            texts.remove(text)
    return count


def _matched(page: PreparedPage, found: list[int], drawn: Drawn) -> dict[int, int]:
    """Written digit -> the found one in which its middle lies, each once, the nearest first."""
    pairs = []
    for place, middle in drawn.middles.items():
        for i in found:
            off = _off(page.candidates[i].box, middle)
            if off is not None:
                pairs.append((off, place, i))
    matched: dict[int, int] = {}
    for _, place, i in sorted(pairs):
        if place not in matched and i not in matched.values():
            matched[place] = i
    return matched


def _off(box: BoundingBox, middle: tuple[float, float]) -> float | None:
    """How far a digit's middle is from a box's; None where it lies outside."""
    x, y = abs((box.left + box.right) / 2 - middle[0]), abs((box.top + box.bottom) / 2 - middle[1])
    return x + y if x <= box.width / 2 + 2 and y <= box.height / 2 + 2 else None


def _show(counts: dict[str, Count], ref: str, seconds: list[float], seed: int) -> None:
    table = Table("pictures", "digits", "right", "right or uncertain", "rows", "whole", box=SIMPLE_HEAD)
    together = Count()
    for kind in KINDS:
        together.add(counts[kind])
    for name, c in {
        **{kind: counts[kind] for kind in KINDS},
        "all of these": together,
        "touching": counts["touching"],
    }.items():
        shares = f"{c.right / c.digits:.1%}", f"{(c.right + c.uncertain) / c.digits:.1%}"
        table.add_row(name, str(c.digits), *shares, str(c.rows), f"{c.whole / c.rows:.1%}")
    console = Console()
    milliseconds = 1000 * np.percentile(seconds, (50, 95))
    console.print(f"{PICTURES} pictures of MNIST's test digits, seed {seed}, {ref}")
    console.print(table)
    console.print(
        f"decoded, found and laid out in {milliseconds[0]:.0f} ms of one core, 95th percentile {milliseconds[1]:.0f}"
    )


if __name__ == "__main__":
    sys.exit(main())
