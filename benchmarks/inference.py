"""The serving candidates of a version on one thread, in one run: speed, size, and labels changed against model.pt.

.venv/bin/python -m benchmarks.inference [REF]      (labels of MNIST where DIGITSERVE_DATA_DIR has it)
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from models_store.files import Pixels
from models_store.model import PLAIN, Model, predict_all, use_threads
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.shipped_version import open_store
from training.data import sources
from training.data.rows import as_numpy

ROUNDS = 60  # the candidates take turns in each, so that a noisy neighbour slows all of them


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ref", nargs="?", default="digits", help="default: the shipped version")
    parser.add_argument("--store", type=Path, help="default: a fresh one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        registry = Registry(options.store) if options.store else open_store(Path(folder))
        version = registry.verify(Ref.parse(options.ref))
        models = [Model.load(version.folder, version.manifest, name) for name in version.manifest.candidates]
        sizes = {name: c.file for name, c in version.manifest.candidates.items()}
        bytes_of = {name: (version.folder / file).stat().st_size for name, file in sizes.items()}
    use_threads(1)
    pixels = _pixels()
    times = _times(models, pixels)
    answers = {model.candidate: predict_all(model, pixels).argmax(1) for model in models}
    table = Table("candidate", "1 picture, ms", "pictures/s at 128", "labels changed", "KiB", box=SIMPLE_HEAD)
    for name, (one, many) in times.items():
        changed = f"{(answers[name] != answers[PLAIN]).sum()} of {len(pixels):,}"
        table.add_row(name, f"{1000 * one:.3f}", f"{128 / many:,.0f}", changed, f"{bytes_of[name] / 1024:.0f}")
    console = Console()
    console.print(f"{version.ref}, net {version.manifest.net}, one thread, medians of {ROUNDS} rounds")
    console.print(table)


def _pixels() -> Pixels:
    folder = os.environ.get("DIGITSERVE_DATA_DIR")
    rows = sources.mnist(Path(folder)).test if folder else sources.bundled().test
    return as_numpy(rows)[0]


def _times(models: list[Model], pixels: Pixels) -> dict[str, tuple[float, float]]:
    """Candidate -> median seconds of a batch of 1 and of a batch of 128."""
    for model in models:
        model.warm_up()
    taken: dict[tuple[str, int], list[float]] = {}
    for _ in range(ROUNDS):
        for model in models:
            for size in (1, 128):
                batch = pixels[:size]
                began = time.perf_counter()
                model.predict(batch)
                taken.setdefault((model.candidate, size), []).append(time.perf_counter() - began)
    median = {key: float(np.median(seconds)) for key, seconds in taken.items()}
    return {model.candidate: (median[model.candidate, 1], median[model.candidate, 128]) for model in models}


if __name__ == "__main__":
    main()
