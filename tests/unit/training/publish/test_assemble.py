"""What is found out before a version is published, and before the hours of training that it may take."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from models_store.defaults import recipe_for
from models_store.recipe import Recipe
from models_store.registry import Registry, Version
from models_store.specs import DataSpec, InputSpec, NetSpec
from tests.support.lessons import SPEC, Heard, digit_files, session, small_version, stripes
from training import compress
from training.data.rows import DataSet, Rows
from training.errors import TrainingDiverged
from training.finetune.finetune import finetune
from training.fit.epoch import Epoch
from training.nets.catalog import build
from training.publish.assemble import Outcome, assemble
from training.report.progress import Reporter
from training.train import train

NEW = "digits-mine"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Version:
    return small_version(Registry(tmp_path_factory.mktemp("base") / "store"))


@pytest.mark.parametrize("inked", ["training", "test"])
def test_a_net_that_answers_with_no_number_is_not_published(tmp_path: Path, inked: str) -> None:
    """Its weights are finite, and so is what it says of a black picture; ink makes sums that no float32 holds."""
    store, ink = Registry(tmp_path / "own"), stripes(30)
    black = Rows(torch.zeros_like(ink.pictures), ink.labels)
    picture = InputSpec(mean=(0.0,), std=(1.0,))
    recipe = Recipe(publish_to=NEW, net=NetSpec(name="mlp"), input=picture, data=DataSpec(source="mnist"), train=SPEC)
    net = build(recipe.net, picture, 10)
    with torch.no_grad():
        next(weights for weights in net.parameters() if weights.dim() > 1).fill_(3e38)
    rows = (ink, black) if inked == "training" else (black, ink)
    outcome = Outcome(net, recipe, DataSet(*rows, tuple("0123456789"), "mnist"), torch.float32, pictures=False)
    with pytest.raises(TrainingDiverged, match="no finite numbers"), store.stage(NEW) as folder:
        assemble(outcome, folder, Heard())
    assert store.models() == []


class Killed(BaseException):
    """Stands for whatever ends a process."""


class Looking(Heard):
    """Looks for stages after the first epoch, and ends the process there."""

    def __init__(self, store: Registry) -> None:
        super().__init__()
        self.staged: list[Path] = []
        self._store = store

    def epoch(self, run: str, epoch: Epoch) -> None:
        super().epoch(run, epoch)
        self.staged += self._store.root.rglob(".staging-*")
        raise Killed


def trained(base: Version, store: Registry, folder: Path, report: Reporter) -> None:
    train(dataclasses.replace(base.manifest.recipe, publish_to=NEW), session(store, report=report))


def compressed(base: Version, store: Registry, folder: Path, report: Reporter) -> None:
    recipe = dataclasses.replace(compress.recipe_for(base, "prune", None, None), publish_to=NEW)
    compress.compress(base, "prune", None, recipe, session(store, report=report))


def tuned(base: Version, store: Registry, folder: Path, report: Reporter) -> None:
    recipe = recipe_for(base, str(digit_files(folder, per_digit=1)), "mine")
    finetune(base, recipe, session(store, report=report))


@pytest.mark.parametrize("make", [trained, compressed, tuned])
def test_nothing_is_staged_while_a_training_may_take_days(
    tmp_path: Path, base: Version, make: Callable[[Version, Registry, Path, Reporter], None]
) -> None:
    """A stage is swept away after a day without a word written into it."""
    store = Registry(tmp_path / "own")
    looking = Looking(store)
    with pytest.raises(Killed):
        make(base, store, tmp_path / "new", looking)
    assert len(looking.epochs) == 1
    assert looking.staged == []


@pytest.mark.parametrize("make", [trained, compressed, tuned])
def test_a_store_that_takes_no_version_is_told_before_the_training(
    tmp_path: Path, base: Version, make: Callable[[Version, Registry, Path, Reporter], None]
) -> None:
    store = Registry(tmp_path / "own")
    store.root.mkdir()
    (store.root / NEW).write_text("a file in the way")
    looking = Looking(store)
    with pytest.raises(FileExistsError):
        make(base, store, tmp_path / "new", looking)
    assert looking.epochs == []
