"""What a version learns from 20 to 400 corrections, and what it forgets: Semeion's digits against MNIST's.

    python -m benchmarks.learning                     (MNIST and Semeion in DIGITSERVE_DATA_DIR; 10 minutes on one core)
    python -m benchmarks.learning --plot curve.png --store DIR --ref digits@2

Of the 1,593 digits of Semeion (about 80 writers, UCI), enlarged and padded as a scan would have them, some go through
`python -m training finetune` as a zip, which holds a tenth of them back for its gate. The published version then reads
all others, and MNIST's test digits. They are drawn at random, once for each seed; the last line takes the file's first
200, which few writers wrote, and reads its last 400. "Without" is a machine on which MNIST does not lie.
"""

import argparse
import dataclasses
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks import semeion
from models_store.defaults import recipe_for
from models_store.model import Model
from models_store.refs import Ref
from models_store.registry import Version
from models_store.shipped_version import open_store
from training.data import sources
from training.data.rows import Rows
from training.errors import DataMissing
from training.finetune.finetune import finetune
from training.fit.epoch import Epoch
from training.fit.runtime import Runtime
from training.judge.score import score
from training.learn import Session
from training.report.progress import Silent

COUNTS, SEEDS = (20, 50, 100, 200, 400), (1, 2, 3)
_FIRST, _LAST = 200, 400
_SIDES = ("with MNIST", "without")


@dataclasses.dataclass(frozen=True)
class Found:
    """Means over the seeds, and the worst of them; shares read right, and seconds."""

    semeion: float
    mnist: float
    worst_semeion: float
    worst_mnist: float
    seconds: float
    accepted: str

    def cells(self) -> list[str]:
        """Of the table's columns for one side."""
        shares = ((self.semeion, self.worst_semeion), (self.mnist, self.worst_mnist))
        return [*(f"{mean:.2%} ({worst:.2%})" for mean, worst in shares), f"{self.seconds:.1f}", self.accepted]


class _Seconds(Silent):
    """Adds up the processor's time from step to step."""

    def __init__(self) -> None:
        self.training = 0.0
        self._before: float | None = None

    def progress(self, run: str, epoch: int, done: int, steps: int, epochs: int = 1) -> None:
        now = time.process_time()
        self.training += 0.0 if self._before is None else now - self._before
        self._before = now

    def epoch(self, run: str, epoch: Epoch) -> None:
        if epoch.number == epoch.epochs:
            self._before = None


class Bench:
    """A base in a store of its own, all pictures, and a place for files."""

    def __init__(self, store: Path | None, ref: str, folder: Path, place: Path) -> None:
        self._registry = open_store(store or place / "store")
        self.base = self._registry.resolve(Ref.parse(ref))
        self._names, self._files = semeion.read(folder)
        self._test = sources.mnist(folder).test
        self._folder, self._place = folder, place

    def tried(
        self, seed: int, taught: Iterable[int], read: Iterable[int], side: str
    ) -> tuple[float, float, float, int]:
        """(Semeion, MNIST, seconds of training, whether the gate accepts it)."""
        path = semeion.zipped(self._place / "taught.zip", self._names, self._files, taught)
        recipe = dataclasses.replace(recipe_for(self.base, str(path), "bench"), seed=seed)
        seconds, data = _Seconds(), self._folder if side == _SIDES[0] else self._place
        version = finetune(self.base, recipe, Session(data, self._registry, Runtime(), seconds))
        return *self.read(version, read), seconds.training, version.manifest.accepted

    def read(self, version: Version, which: Iterable[int]) -> tuple[float, float]:
        """The shares of Semeion's digits and of MNIST's test that its plain candidate reads right."""
        path = semeion.zipped(self._place / "read.zip", self._names, self._files, which)
        rows = sources.labelled(path, version.manifest.input, version.manifest.labels)
        return _accuracy(version, rows), _accuracy(version, self._test)

    def random(self, count: int, side: str, seeds: Sequence[int]) -> Found:
        """Taught digits drawn at random; all others are read."""
        orders = [(seed, np.random.default_rng(seed).permutation(len(self._names))) for seed in seeds]
        return _over([self.tried(seed, order[:count], order[count:], side) for seed, order in orders])

    def first(self, side: str, seeds: Sequence[int]) -> Found:
        """Taught the file's first digits; its last ones are read."""
        last = range(len(self._names) - _LAST, len(self._names))
        return _over([self.tried(seed, range(_FIRST), last, side) for seed in seeds])

    def untaught(self, which: Iterable[int] | None = None) -> Found:
        """The base itself."""
        share, digits = self.read(self.base, range(len(self._names)) if which is None else which)
        return Found(share, digits, share, digits, 0.0, "-")


def main() -> int:
    """Prints a line for each count as it ends. Returns 2 where MNIST or Semeion is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--store", type=Path, help="where the base lies; a new store with the shipped version otherwise"
    )
    parser.add_argument("--ref", default="digits")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--plot", type=Path, help="draws the curve into this PNG")
    options = parser.parse_args()
    folder = Path(os.environ.get("DIGITSERVE_DATA_DIR") or "data")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        try:
            bench = Bench(options.store, options.ref, folder, Path(place))
        except (DataMissing, OSError) as missing:
            print(missing, file=sys.stderr)
            return 2
        columns = ["Semeion's rest", "MNIST", "CPU s", "accepted"]
        print(f"| corrections | {' | '.join(f'{name}, {side}' for side in _SIDES for name in columns)} |")
        print("|---" * (1 + 2 * len(columns)) + "|")
        found = {0: [bench.untaught()] * 2}
        _line("0", found[0])
        for count in options.counts:
            found[count] = [bench.random(count, side, options.seeds) for side in _SIDES]
            _line(str(count), found[count])
        _line(f"first {_FIRST} -> last {_LAST}", [bench.first(side, options.seeds) for side in _SIDES])
    if options.plot:
        _plot(options.plot, found, bench.base.ref)
    return 0


def _line(name: str, sides: Iterable[Found]) -> None:
    print(f"| {' | '.join([name, *(cell for side in sides for cell in side.cells())])} |", flush=True)


def _over(tries: Sequence[tuple[float, float, float, int]]) -> Found:
    others, digits, seconds, accepted = zip(*tries, strict=True)
    mean = statistics.mean
    gate = f"{sum(accepted)} of {len(tries)}"
    return Found(mean(others), mean(digits), min(others), min(digits), mean(seconds), gate)


def _accuracy(version: Version, rows: Rows) -> float:
    return score(Model.load(version.folder, version.manifest), rows).accuracy


def _plot(path: Path, found: dict[int, list[Found]], ref: str) -> None:
    from matplotlib.figure import Figure  # takes a second, and most runs draw nothing

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    learned, kept = figure.subplots(1, 2)
    places = range(len(found))  # evenly: the counts double
    for number, (side, look) in enumerate(zip(_SIDES, ("o-", "s--"), strict=True)):
        sides = [both[number] for both in found.values()]
        learned.plot(places, [100 * it.semeion for it in sides], look, label=side)
        kept.plot(places, [100 * it.mnist for it in sides], look, label=side)
    limit = 100 * (found[0][0].mnist - 0.003)
    kept.axhline(limit, color="grey", linewidth=1)
    kept.annotate("the gate's limit", (0, limit), xytext=(0, 3), textcoords="offset points", color="grey")
    kept.set_ylim(min(limit, *(100 * it.mnist for both in found.values() for it in both)) - 0.1)
    for axes, title in ((learned, "Semeion's other digits"), (kept, "MNIST's test digits")):
        axes.set(title=f"{title}, % read right", xlabel="corrections", xticks=places, xticklabels=found)
        axes.grid(alpha=0.3)
    learned.legend(title=f"{ref} taught")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    sys.exit(main())
