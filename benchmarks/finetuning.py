"""What a version learns from a few pictures of other writers, and what it forgets: Semeion's digits against MNIST's.

    python -m benchmarks.finetuning      (MNIST and Semeion in DIGITSERVE_DATA_DIR; a quarter of an hour on one core)

The 1,593 digits of Semeion (about 80 writers, UCI) are enlarged and padded, as a scan would have them. Some, drawn at
random, go through `python -m training finetune` as a zip; the published version then reads all others, and MNIST's test
digits. Medians over the seeds. "Without MNIST" is a machine on which MNIST does not lie.
"""

import dataclasses
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks import semeion
from models_store.finetuning import recipe_for
from models_store.model import Model
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry, Version, open_store
from models_store.specs import Blocks
from training import evaluate, sources
from training.commands import RECIPES
from training.data import Rows
from training.errors import DataMissing
from training.finetune import finetune
from training.loop import Epoch, Run
from training.report import Silent
from training.train import train

SEEDS = (1, 2, 3)


@dataclasses.dataclass(frozen=True)
class Way:
    """One row of the table."""

    base: str
    pictures: int
    unfreeze: Blocks = "all"
    replay: int = 16  # MNIST digits in every batch
    with_mnist: bool = True

    def __str__(self) -> str:
        replay = f", {self.replay} MNIST digits in every batch" if self.replay else ", no replay"
        return f"{self.unfreeze}{replay if self.with_mnist else ', without MNIST'}"


WAYS = (
    Way("digits", 200, "head", 0),
    Way("digits", 200, replay=0),
    Way("digits", 200, "gradual"),
    *(Way("digits", count) for count in (50, 200, 800)),
    *(Way("digits", count, with_mnist=False) for count in (50, 200, 800)),
    Way("digits-cnn", 200, "head", 0),
    Way("digits-cnn", 200, replay=0),
    Way("digits-cnn", 200),
)


class _Seconds(Silent):
    """Adds up how long the epochs took."""

    def __init__(self) -> None:
        self.training = 0.0

    def epoch(self, run: str, epoch: Epoch) -> None:
        self.training += epoch.seconds


def main() -> int:
    """Prints a line for each way as it ends: medians of the seeds; of Semeion, all digits before, the untaught after.

    Returns 2 where MNIST or Semeion is missing.
    """
    folder = Path(os.environ.get("DIGITSERVE_DATA_DIR") or "data")
    torch.set_num_threads(1)
    try:
        mnist = sources.mnist(folder)
        names, zips = semeion.read(folder)
    except (DataMissing, OSError) as missing:
        print(missing, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as place:
        registry = open_store(Path(place) / "store")
        semeion.zipped(Path(place) / "all.zip", names, zips, range(len(names)))
        cnn = Recipe.from_toml((RECIPES / "cnn.toml").read_text())
        train(cnn, folder, registry, Run(), Silent())
        print(
            "| base | pictures | learning | Semeion | MNIST | training, s | in all, s |\n|---|---|---|---|---|---|---|"
        )
        for way in WAYS:
            found = [_tried(way, seed, names, zips, mnist.test, registry, folder, Path(place)) for seed in SEEDS]
            others, digits, training, whole = (statistics.median(column) for column in zip(*found, strict=True))
            base = registry.resolve(Ref(way.base))
            before = _read(base, Path(place) / "all.zip"), _accuracy(base, mnist.test)
            cells = (
                *(f"`{way.base}`", str(way.pictures), str(way)),
                *(f"{100 * before[0]:.1f} -> {100 * others:.1f} %", f"{100 * before[1]:.2f} -> {100 * digits:.2f} %"),
                *(f"{training:.1f}", f"{whole:.1f}"),
            )
            print(f"| {' | '.join(cells)} |", flush=True)
    return 0


def _tried(
    way: Way,
    seed: int,
    names: list[str],
    pictures: list[bytes],
    test: Rows,
    registry: Registry,
    folder: Path,
    place: Path,
) -> tuple[float, float, float, float]:
    """(Semeion's rest, MNIST, seconds of training, seconds in all)."""
    order = np.random.default_rng(seed).permutation(len(names))
    for path, part in (("taught.zip", order[: way.pictures]), ("rest.zip", order[way.pictures :])):
        semeion.zipped(place / path, names, pictures, part)
    base = registry.resolve(Ref(way.base))
    recipe = recipe_for(base, str(place / "taught.zip"), None)
    assert recipe.finetune is not None
    recipe = dataclasses.replace(
        recipe, seed=seed, train=dataclasses.replace(recipe.train, unfreeze=way.unfreeze),
        finetune=dataclasses.replace(recipe.finetune, replay_rows=way.replay),
    )  # fmt: skip
    seconds, began = _Seconds(), time.perf_counter()
    version = finetune(base, recipe, folder if way.with_mnist else place, registry, Run(), seconds)
    whole = time.perf_counter() - began
    return _read(version, place / "rest.zip"), _accuracy(version, test), seconds.training, whole


def _read(version: Version, path: Path) -> float:
    return _accuracy(version, sources.labelled(path, version.manifest.input, version.manifest.labels)[0])


def _accuracy(version: Version, rows: Rows) -> float:
    """Share of the rows that the version's plain candidate reads right."""
    return evaluate.score(Model.load(version.folder, version.manifest), rows).accuracy


if __name__ == "__main__":
    sys.exit(main())
