"""Versions from scratch: killed and gone on with, calibrated, and parts of the rows that judge in turn."""

import dataclasses
import statistics
from pathlib import Path

import pytest
import safetensors.torch
import torch

from models_store.errors import BadRef, RecipeRejected, VersionRejected
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.specs import DataSpec, NetSpec, TrainSpec
from tests.support.lessons import Heard, mnist_files, session, stripes
from training.data.rows import Rows
from training.errors import ExperimentBusy, TrainingDiverged
from training.fit.epoch import Epoch
from training.fit.material import Material
from training.fit.runtime import Runtime
from training.learn import experiment, key, learn, load
from training.train import cross_validate, train

SMALL = Recipe(
    publish_to="stripes",
    net=NetSpec(name="mlp", options={"hidden": 16, "second": 16}),
    data=DataSpec(source="mnist"),
    train=TrainSpec(epochs=3, batch_size=20, learning_rate=0.05, precision="float32"),
)


class Killed(Exception):
    """Stands for whatever ends a process between two epochs."""


class Killing(Heard):
    """Ends the process after the first epoch."""

    def epoch(self, run: str, epoch: Epoch) -> None:
        super().epoch(run, epoch)
        raise Killed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A hundred stripes to learn from and 30 to be tested by, as MNIST's files."""
    return mnist_files(tmp_path / "data", stripes(100), stripes(30, seed=5))


@pytest.fixture
def store(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "own")


def weights(version: Version | None) -> dict[str, torch.Tensor]:
    assert version is not None
    return safetensors.torch.load_file(version.folder / "weights.safetensors")


def equal(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(tensor, right[name]) for name, tensor in left.items())


def left_behind(store: Registry) -> list[Path]:
    return [*store.root.glob(".runs/*/*"), *store.root.rglob(".staging-*")]


def test_a_killed_run_goes_on_by_the_same_command_to_the_same_weights(folder: Path, store: Registry) -> None:
    with pytest.raises(Killed):
        train(SMALL, session(store, folder, Killing()))
    assert [path.name for path in left_behind(store)] == ["training.pt"]
    assert store.models() == []
    heard = Heard()
    resumed = train(SMALL, session(store, folder, heard))
    assert heard.numbers("training") == [2, 3]
    assert heard.notes[0] == "training: went on from the checkpoint after epoch 1"
    assert left_behind(store) == []

    assert store.aliases("stripes") == {"champion": 1}

    rows = load(SMALL, folder, heard)
    unbroken = learn("training", SMALL, Material(rows.train), len(rows.labels), Runtime(), Heard()).net
    assert equal(weights(resumed), unbroken.state_dict())


def test_fresh_begins_anew_and_another_run_has_its_own_checkpoint(folder: Path, store: Registry) -> None:
    def killed(recipe: Recipe, fresh: bool = False) -> list[int]:
        heard = Killing()
        with pytest.raises(Killed):
            train(recipe, session(store, folder, heard, fresh))
        return heard.numbers("training")

    assert killed(SMALL) == [1]
    assert killed(SMALL) == [2]
    assert killed(dataclasses.replace(SMALL, seed=2)) == [1]
    assert len(left_behind(store)) == 2
    assert killed(SMALL, fresh=True) == [1]
    assert killed(SMALL) == [2]
    assert len(left_behind(store)) == 2


def test_the_same_training_is_not_begun_beside_itself(folder: Path, store: Registry) -> None:
    name = key(SMALL, load(SMALL, folder, Heard()))
    with experiment(session(store), name), pytest.raises(ExperimentBusy):
        train(SMALL, session(store, folder, Heard()))


def test_every_fold_is_judged_by_rows_that_its_run_has_not_seen(folder: Path, tmp_path: Path) -> None:
    recipe = dataclasses.replace(SMALL, train=dataclasses.replace(SMALL.train, epochs=4))
    heard = Heard()
    accuracies = cross_validate(recipe, 4, session(Registry(tmp_path), folder, heard))
    assert accuracies == pytest.approx([1, 1, 1, 1])
    assert heard.steps == {f"fold {number}": 4 for number in (1, 2, 3, 4)}  # 75 rows in batches of 20
    assert [row[0] for row in heard.rows] == ["fold 1", "fold 2", "fold 3", "fold 4", "mean +- deviation"]


def test_a_fold_of_rows_without_a_rule_is_a_guess_and_the_mean_is_told(tmp_path: Path) -> None:
    noise = torch.Generator().manual_seed(1)
    labels = torch.randint(0, 3, (60,), generator=noise)
    rows = Rows(torch.randint(0, 256, (60, 1, 28, 28), generator=noise, dtype=torch.uint8), labels)
    unseen = Rows(rows.pictures, torch.full_like(labels, 99))  # no net has a label 99: looked at, they would fail
    heard = Heard()
    accuracies = cross_validate(
        SMALL, 3, session(Registry(tmp_path), mnist_files(tmp_path / "noise", rows, unseen), heard)
    )
    assert all(0 <= accuracy <= 0.8 for accuracy in accuracies)  # a run that had seen its part knows it by heart
    assert [accuracy * 20 for accuracy in accuracies] == pytest.approx([round(20 * it) for it in accuracies])
    mean, spread = statistics.mean(accuracies), statistics.stdev(accuracies)
    assert heard.rows[-1][1] == f"{mean:.2%} +- {spread:.2%}"
    assert heard.titles == ["3-fold cross-validation on 60 training rows"]


@pytest.mark.parametrize("folds", [1, 101])
def test_folds_that_cannot_be_are_refused(folder: Path, tmp_path: Path, folds: int) -> None:
    with pytest.raises(RecipeRejected, match="folds"):
        cross_validate(SMALL, folds, session(Registry(tmp_path), folder, Heard()))


def test_a_run_that_fails_publishes_nothing_and_leaves_nothing(folder: Path, store: Registry) -> None:
    wild = dataclasses.replace(SMALL, train=dataclasses.replace(SMALL.train, learning_rate=1e12))
    with pytest.raises(TrainingDiverged):
        train(wild, session(store, folder, Heard()))
    with pytest.raises(BadRef):
        train(dataclasses.replace(SMALL, publish_to="../x"), session(store, folder, Heard()))
    greedy = dataclasses.replace(SMALL.calibration, held_out=51)
    with pytest.raises(RecipeRejected, match="more than half of the 100"):
        train(dataclasses.replace(SMALL, calibration=greedy), session(store, folder, Heard()))
    assert store.models() == [] and left_behind(store) == []


def test_the_temperature_comes_from_a_sibling_and_the_version_from_all_rows(folder: Path, store: Registry) -> None:
    recipe = dataclasses.replace(SMALL, calibration=dataclasses.replace(SMALL.calibration, held_out=30))
    heard = Heard()
    version = train(recipe, session(store, folder, heard))
    assert version is not None and store.verify(Ref("stripes")).manifest == version.manifest
    assert heard.steps == {"training": 5, "calibration": 4}  # 100 rows, and the 70 that were not held out
    assert version.manifest.data.train_rows == 100
    assert version.manifest.calibration.fitted_on == (
        "30 held-out training pictures, read 100.00% right by a sibling training"
    )


def rates(rate: float, **changes: object) -> Recipe:
    return dataclasses.replace(SMALL, train=dataclasses.replace(SMALL.train, learning_rate=rate), **changes)  # type: ignore[arg-type]


def test_a_net_that_learned_nothing_never_serves_and_the_next_one_does(folder: Path, store: Registry) -> None:
    heard = Heard()
    first = train(rates(1e-9), session(store, folder, heard))
    assert first is not None and not first.manifest.accepted
    assert first.manifest.gate.startswith("rejected: from scratch, ")
    assert heard.notes == [first.manifest.gate] and heard.facts["accepted"] is heard.facts["champion"] is False
    assert store.aliases("stripes") == {}
    with pytest.raises(VersionRejected):
        store.promote("stripes", 1, expected=None)

    second = train(SMALL, session(store, folder, Heard()))
    assert second is not None and second.manifest.accepted
    assert store.aliases("stripes") == {"champion": 2}
    third = train(rates(1e-9), session(store, folder, Heard(), fresh=True))
    assert third is not None and not third.manifest.accepted
    assert store.aliases("stripes") == {"champion": 2}


def test_labels_that_follow_no_rule_make_no_champion(tmp_path: Path, store: Registry) -> None:
    def shuffled(rows: Rows) -> Rows:
        return Rows(rows.pictures, rows.labels[torch.randperm(len(rows), generator=torch.Generator().manual_seed(3))])

    folder = mnist_files(tmp_path / "data", shuffled(stripes(100)), shuffled(stripes(90, seed=5)))
    version = train(SMALL, session(store, folder))
    assert version is not None and not version.manifest.accepted
    assert store.aliases("stripes") == {}


def test_where_nearly_all_rows_show_one_label_to_say_it_always_is_not_enough(tmp_path: Path, store: Registry) -> None:
    def uneven(rows: Rows) -> Rows:
        return Rows(rows.pictures, (torch.arange(len(rows)) % 20 == 0).long())  # whatever is on them

    folder = mnist_files(tmp_path / "data", uneven(stripes(100)), uneven(stripes(60, seed=5)))
    version = train(SMALL, session(store, folder))
    assert version is not None and version.manifest.metrics["accuracy"] == pytest.approx(0.95)
    assert not version.manifest.accepted and store.aliases("stripes") == {}


def test_a_training_that_diverges_leaves_no_checkpoint_to_go_on_from(folder: Path, store: Registry) -> None:
    growing = rates(3.0)
    growing = dataclasses.replace(
        growing,
        train=dataclasses.replace(growing.train, optimizer="rmsprop", batch_size=10, schedule="constant"),
    )
    for _ in range(2):
        heard = Heard()
        with pytest.raises(TrainingDiverged, match=r"The loss grew from .* lower train\.learning_rate"):
            train(growing, session(store, folder, heard))
        assert heard.numbers("training")[0] == 1
        assert left_behind(store) == [] and store.models() == []
