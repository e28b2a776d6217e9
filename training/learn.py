"""One run of the loop with all that surrounds it: fresh weights, watched rows, checkpoint, progress. It publishes
nothing."""

import contextlib
import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from models_store.errors import RecipeRejected
from models_store.recipe import Recipe
from models_store.registry import RUNS
from models_store.specs import InputSpec
from training.data import sources
from training.data.rows import DataSet, Rows, split
from training.fit.checkpoint import run_folder
from training.fit.loop import Epoch, Fitted, Runtime, Teacher, fit
from training.nets.catalog import build
from training.report.progress import Reporter


def learn(
    name: str,
    recipe: Recipe,
    rows: Rows,
    labels: int,
    run: Runtime,
    report: Reporter,
    *,
    folder: Path | None = None,
    watched: Rows | None = None,
    heard: Callable[[Epoch], None] = lambda epoch: None,
    net: nn.Module | None = None,
    replay: Rows | None = None,
    replay_rows: int = 0,
    taught_by: Teacher | None = None,
    distil: float = 0.0,
) -> Fitted:
    """Trains `net`, or fresh weights, on the rows. `watched` rows only give numbers after each epoch; where there are
    none, they are the share of the rows that the recipe sets apart.

    `name` is what the report calls the run; with a `folder`, its checkpoint lies there and is gone on from. Raises
    TrainingDiverged, CheckpointRejected, RecipeRejected.
    """
    torch.manual_seed(recipe.seed)
    net = build(recipe.net, recipe.input, labels) if net is None else net
    if watched is None and recipe.train.validation:
        rows, watched = split(rows, recipe.train.validation, recipe.seed)
    if watched is not None and not len(watched):
        few = f"Of {len(rows)} training pictures none can be set apart for validation"
        raise RecipeRejected(f"{few}: give two or more of each label.")
    resumed: list[int] = []

    def on_epoch(epoch: Epoch) -> None:
        resumed.append(epoch.number)
        if resumed[0] > 1 and len(resumed) == 1:
            report.note(f"{name}: went on from the checkpoint after epoch {epoch.number - 1}")
        report.epoch(name, epoch)
        heard(epoch)

    run = dataclasses.replace(
        run,
        trace=run.trace if name == "training" else None,
        checkpoint=folder / f"{name}.pt" if folder else None,
        on_epoch=on_epoch,
        on_step=lambda epoch, done, steps: report.progress(name, epoch, done, steps, recipe.train.epochs),
    )
    return fit(
        net, rows, recipe, run,
        validation=watched, replay=replay, replay_rows=replay_rows, teacher=taught_by, distil=distil,
    )  # fmt: skip


def teacher(net: nn.Module, picture: InputSpec, device: torch.device) -> Teacher:
    """A trained net as something to learn from: it never changes."""
    mean, std = (torch.tensor(v, device=device).view(1, -1, 1, 1) for v in (picture.mean, picture.std))
    net = net.to(device).eval()

    @torch.no_grad()
    def answer(pictures: Tensor) -> Tensor:
        return net((pictures - mean) / std)  # type: ignore[no-any-return]

    return answer


def load(recipe: Recipe, data_folder: Path, report: Reporter) -> DataSet:
    """The recipe's data set; says what of it was left out, and why. Raises what `training.data.sources.load` raises."""
    rows = sources.load(recipe.data, recipe.input, data_folder, recipe.seed)
    if rows.report is not None and rows.report.kept < rows.report.rows:
        report.note(str(rows.report))
    return rows


@contextlib.contextmanager
def kept(store: Path, name: str, fresh: bool) -> Iterator[Path]:
    """The folder of a run's checkpoints beside a store's models, emptied where it shall begin anew. Raises RunBusy."""
    with run_folder(store / RUNS, name) as folder:
        if fresh:
            for file in folder.iterdir():
                file.unlink()
        yield folder


def key(recipe: Recipe, rows: DataSet) -> str:
    """Names a run by all that it learns from and how: the same command on the same data has the same key."""
    return f"{recipe.publish_to}-{hashlib.sha256((recipe.to_json() + rows.digest()).encode()).hexdigest()[:16]}"
