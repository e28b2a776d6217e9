import dataclasses
from pathlib import Path

import pytest
import torch

from models_store.recipe import Recipe
from models_store.specs import AugmentSpec
from tests.support.lessons import PICTURE, SPEC, recipe_of, same_weights, stripes
from training.errors import CheckpointRejected, ExperimentBusy
from training.fit import checkpoint
from training.fit.checkpoint import experiment_folder
from training.fit.epoch import Epoch
from training.fit.learner import Fitted
from training.fit.loop import fit
from training.fit.material import Material
from training.fit.runtime import Runtime
from training.nets.catalog import build

ROWS = stripes(90)
RICH = dataclasses.replace(SPEC, ema=0.9, validation=0.2, patience=3, schedule="plateau")
RECIPES = {
    "sgd": recipe_of(SPEC, augment=AugmentSpec(shift_pixels=1, elastic_pixels=0.5)),
    "adamw": recipe_of(dataclasses.replace(SPEC, optimizer="adamw", learning_rate=2e-3, schedule="one_cycle")),
    "rich": recipe_of(RICH),
    "gradual": recipe_of(dataclasses.replace(SPEC, unfreeze="gradual")),
}


class Killed(Exception):
    """Stands for whatever ends a process between two epochs."""


def fitted(recipe: Recipe, path: Path | None, killed_after: int | None = None) -> Fitted:
    def on_epoch(epoch: Epoch) -> None:
        if epoch.number == killed_after:
            raise Killed

    torch.manual_seed(0)
    net = build(recipe.net, PICTURE, 3)
    torch.manual_seed(killed_after or 0)  # a resumed process has drawn other numbers before
    watched = stripes(30, seed=9) if recipe.train.validation else None
    return fit(net, Material(ROWS, validation=watched), recipe, Runtime(checkpoint=path, on_epoch=on_epoch))


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_killed_run_goes_on_to_the_bits_of_the_unbroken_one(tmp_path: Path, name: str, epoch: int) -> None:
    recipe = dataclasses.replace(RECIPES[name], deterministic=True)
    unbroken = fitted(recipe, None)
    with pytest.raises(Killed):
        fitted(recipe, tmp_path / "run.pt", killed_after=epoch)
    resumed = fitted(recipe, tmp_path / "run.pt")
    assert same_weights(resumed.net, unbroken.net)
    numbers = [(it.number, it.loss, it.accuracy, it.validation_loss) for it in unbroken.epochs]
    assert [(it.number, it.loss, it.accuracy, it.validation_loss) for it in resumed.epochs] == numbers


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = fitted(RECIPES["sgd"], tmp_path / "run.pt")
    assert fitted(RECIPES["sgd"], tmp_path / "run.pt").epochs == first.epochs


@pytest.mark.parametrize("damage", [b"", b"no checkpoint", b"PK\x03\x04rest"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "run.pt").write_bytes(damage)
    with pytest.raises(CheckpointRejected, match="--fresh"):
        fitted(RECIPES["sgd"], tmp_path / "run.pt")


def test_a_cut_or_foreign_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    fitted(RECIPES["sgd"], path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointRejected, match="damaged"):
        fitted(RECIPES["sgd"], path)
    path.write_bytes(whole)
    with pytest.raises(CheckpointRejected, match="another recipe"):
        fitted(RECIPES["adamw"], path)


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("code from a file",)


def test_no_code_of_a_checkpoint_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint.save(tmp_path / "run.pt", {"net": _Evil()})
    with pytest.raises(CheckpointRejected):
        fitted(RECIPES["sgd"], tmp_path / "run.pt")
    assert "code from a file" not in capsys.readouterr().out


def test_the_folder_of_a_run_stays_when_it_fails_and_goes_when_it_ends_well(tmp_path: Path) -> None:
    with pytest.raises(Killed), experiment_folder(tmp_path, "a") as folder:
        (folder / "run.pt").write_bytes(b"x")
        raise Killed
    with experiment_folder(tmp_path, "a") as folder:
        assert (folder / "run.pt").read_bytes() == b"x"
    assert not folder.exists()
    with pytest.raises(Killed), experiment_folder(tmp_path, "b"):
        raise Killed
    assert list(tmp_path.iterdir()) == []  # nothing to go on from


def test_one_run_is_trained_by_one_process(tmp_path: Path) -> None:
    with experiment_folder(tmp_path, "a"):
        with pytest.raises(ExperimentBusy, match="runs already"), experiment_folder(tmp_path, "a"):
            pass
        with experiment_folder(tmp_path, "another"):
            pass
