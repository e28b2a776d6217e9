"""One training with all around it: fresh weights, validation rows, checkpoint, progress; and what commands share."""

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from models_store.errors import RecipeRejected
from models_store.recipe import Recipe
from models_store.records import named_as_first
from models_store.registry import RUNS, Registry
from models_store.specs import InputSpec
from training.data import sources
from training.data.rows import DIGITS, DataSet, split
from training.errors import TrainingDiverged
from training.fit.checkpoint import experiment_folder
from training.fit.epoch import Epoch
from training.fit.learner import Fitted
from training.fit.loop import fit
from training.fit.material import Material, Teacher
from training.fit.runtime import Runtime
from training.nets.catalog import build
from training.report.progress import Reporter


@dataclass(frozen=True)
class Session:
    """What every command works with: where MNIST lies, where versions go, where it computes and whom it tells."""

    data_folder: Path
    registry: Registry
    runtime: Runtime
    report: Reporter
    fresh: bool = False  # do not go on from the checkpoint of a training that was killed


def learn(
    name: str,
    recipe: Recipe,
    material: Material,
    labels: int,
    runtime: Runtime,
    report: Reporter,
    folder: Path | None = None,
    net: nn.Module | None = None,
) -> Fitted:
    """Trains `net`, or fresh weights for so many labels, on the material. Where it has no validation rows, they are the
    share of its rows that the recipe sets apart.

    `name` is what the report calls it; with a `folder`, its checkpoint lies there and is gone on from. Raises
    TrainingDiverged, CheckpointRejected, RecipeRejected.
    """
    torch.manual_seed(recipe.seed)
    net = build(recipe.net, recipe.input, labels) if net is None else net
    material = _validated(material, recipe)
    told: list[int] = []

    def on_epoch(epoch: Epoch) -> None:
        told.append(epoch.number)
        if told[0] > 1 and len(told) == 1:
            report.note(f"{name}: went on from the checkpoint after epoch {epoch.number - 1}")
        report.epoch(name, epoch)
        runtime.on_epoch(epoch)

    observed = dataclasses.replace(
        runtime,
        profile=runtime.profile if name == "training" else None,
        checkpoint=folder / f"{name}.pt" if folder else None,
        on_epoch=on_epoch,
        on_step=lambda epoch, done, steps: report.progress(name, epoch, done, steps, recipe.train.epochs),
    )
    return fit(net, material, recipe, observed)


def _validated(material: Material, recipe: Recipe) -> Material:
    if material.validation is None and recipe.train.validation:
        rest, validation = split(material.rows, recipe.train.validation, recipe.seed)
        material = dataclasses.replace(material, rows=rest, validation=validation)
    if material.validation is not None and not len(material.validation):
        few = f"Of {len(material.rows)} training pictures none can be set apart for validation"
        raise RecipeRejected(f"{few}: give two or more of each label.")
    return material


def teacher(net: nn.Module, picture: InputSpec, device: torch.device) -> Teacher:
    """A trained net as something to learn from: it never changes."""
    mean, std = (torch.tensor(v, device=device).view(1, -1, 1, 1) for v in (picture.mean, picture.std))
    net = net.to(device).eval()

    @torch.no_grad()
    def answer(pictures: Tensor) -> Tensor:
        return net((pictures - mean) / std)  # type: ignore[no-any-return]

    return answer


def load(recipe: Recipe, data_folder: Path, report: Reporter) -> DataSet:
    """The recipe's data set; says what of it was left out, and why. Raises what `training.data.sources.load` raises,
    and RecipeRejected where digits shall be drawn beside other labels."""
    data = sources.load(recipe.data, recipe.input, data_folder, recipe.seed, report.note)
    if recipe.photos.shapes and data.labels != DIGITS:
        raise RecipeRejected("photos.shapes draws the digits 0 to 9, and this data set has other labels: set it to 0.")
    return data


@contextlib.contextmanager
def experiment(session: Session, name: str) -> Iterator[Path]:
    """The folder of a training's checkpoints beside a store's models, emptied where it shall begin anew, and where it
    diverged: the same command would only go on to the same end. Raises ExperimentBusy."""
    with experiment_folder(session.registry.root / RUNS, name) as folder:
        if session.fresh:
            _empty(folder)
        try:
            yield folder
        except TrainingDiverged:
            _empty(folder)
            raise


def _empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def key(recipe: Recipe, rows: DataSet) -> str:
    """Names a training by all that it learns from and how: the same command on the same data has the same key, in later
    releases too."""
    text = json.dumps(named_as_first(recipe), indent=1) + rows.digest()
    return f"{recipe.publish_to}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
