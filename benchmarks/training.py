"""Every recipe, beside the tutorials' way in the same run: test accuracy after the last epoch and seconds of training.

    make bench-training      (MNIST in DIGITSERVE_DATA_DIR; half an hour on two cores)
    python -m benchmarks.training lite cnn        only these recipes

The tutorials' way and the recipes that are compared with it run in turn, a round for each seed, so that a noisy machine
is noisy for all. Recipes for colour pictures learn to tell drawn shapes apart; where the machine does not have the
weights of ImageNet, the whole net learns instead of its head. With `--write docs/benchmarks.md` the table replaces
the one between the marks there.
"""

import argparse
import dataclasses
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks import page
from benchmarks.peers import tutorial_training
from models_store.machine import cores
from models_store.recipe import Recipe
from training.commands import RECIPES, shipped_recipes
from training.data import sources
from training.errors import DataMissing, WeightsMissing
from training.fit.loop import fit
from training.fit.material import Material
from training.fit.measure import measure
from training.nets.catalog import build, parameters
from training.synthetic import strokes

SEEDS = (1, 2, 3)
THRICE = ("lite", "cnn", "fast")  # with every seed; the others with the first
BESIDE = ("lite", "cnn")  # in turn with the tutorials' way
_SHAPES = ("rectangle", "ellipse", "triangle")
_SHAPES_EACH = 60
_TUTORIAL = "the tutorials' way"


@dataclasses.dataclass(frozen=True)
class Result:
    """One training."""

    way: str
    weights: int
    epochs: int
    accuracy: float
    seconds: float


def main() -> int:
    """Prints a line for each training and the table. Returns 2 where MNIST is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=shipped_recipes(), metavar="RECIPE")
    parser.add_argument("--write", type=Path, help="put the table into this Markdown file")
    options = parser.parse_args()
    folder = Path(os.environ.get("DIGITSERVE_DATA_DIR") or "data")
    torch.set_num_threads(cores())
    try:
        sources.mnist(folder)  # downloads it where it is missing, outside the clock
    except DataMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    results = []
    with tempfile.TemporaryDirectory() as shapes:
        _draw_shapes(Path(shapes))
        for way, seed in _plan(options.recipes):
            result = _tutorial(folder, seed) if way == _TUTORIAL else _ours(way, seed, folder, Path(shapes))
            print(f"{way} (seed {seed}): {result.accuracy:.2%} in {result.seconds:.1f} s", flush=True)
            results.append(result)
    table = _table(results)
    print(table)
    if options.write:
        page.write(options.write, "benchmarks.training", table)
    return 0


def _plan(recipes: list[str]) -> list[tuple[str, int]]:
    beside = [(way, seed) for seed in SEEDS for way in (_TUTORIAL, *(name for name in BESIDE if name in recipes))]
    others = [name for name in recipes if name not in BESIDE]
    return beside + [(name, seed) for name in others for seed in (SEEDS if name in THRICE else SEEDS[:1])]


def _tutorial(folder: Path, seed: int) -> Result:
    accuracy, seconds = tutorial_training.train(folder, seed)
    weights = parameters(tutorial_training.Net())
    return Result(_TUTORIAL, weights, tutorial_training.EPOCHS, accuracy, seconds)


def _ours(name: str, seed: int, folder: Path, shapes: Path) -> Result:
    recipe = Recipe.from_toml((RECIPES / f"{name}.toml").read_text())
    recipe = dataclasses.replace(recipe, seed=seed)
    if recipe.data.source == "files":
        recipe = dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, path=str(shapes)))
    way = f"`{name}`"
    torch.manual_seed(seed)
    began = time.perf_counter()
    rows = sources.load(recipe.data, recipe.input, folder, seed)
    try:
        net = build(recipe.net, recipe.input, len(rows.labels))
    except WeightsMissing:
        options = {**recipe.net.options, "weights": "none"}
        net = build(dataclasses.replace(recipe.net, options=options), recipe.input, len(rows.labels))
        recipe = dataclasses.replace(recipe, train=dataclasses.replace(recipe.train, unfreeze="all"))
        began = time.perf_counter()  # the search for the weights is no training
        way += ", all of it, without ImageNet's weights"
    fitted = fit(net, Material(rows.train), recipe)
    seconds = time.perf_counter() - began
    accuracy = measure(fitted.net, rows.test, recipe, torch.device("cpu"))[1]
    return Result(way, parameters(fitted.net), len(fitted.epochs), accuracy, seconds)


def _draw_shapes(folder: Path) -> None:
    rng = np.random.default_rng(1)
    for kind, name in enumerate(_SHAPES):
        (folder / name).mkdir()
        for number in range(_SHAPES_EACH):
            picture = strokes.scene(kind, 224, 224, rng).transpose(1, 2, 0)
            Image.fromarray(np.ascontiguousarray(picture)).save(folder / name / f"{number}.png")


def _table(results: list[Result]) -> str:
    ways = list(dict.fromkeys(result.way for result in results))
    unit = statistics.median(result.seconds for result in results if result.way == _TUTORIAL)
    lines = [
        "| | parameters | epochs | test accuracy | seconds | of the tutorials' time |",
        "|---|---|---|---|---|---|",
    ]
    for way in ways:
        mine = [result for result in results if result.way == way]
        accuracy = f"{statistics.median(result.accuracy for result in mine):.2%}".replace("%", " %")
        if len(mine) > 1:
            least, most = (pick(result.accuracy for result in mine) for pick in (min, max))
            accuracy += f" ({100 * least:.2f}-{100 * most:.2f}, {len(mine)} seeds)"
        seconds = statistics.median(result.seconds for result in mine)
        share = f"1/{unit / seconds:.1f}" if seconds < unit else f"{seconds / unit:.1f} times"
        cells = (way, f"{mine[0].weights:,}", str(mine[0].epochs), accuracy, f"{seconds:.1f}", share)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
