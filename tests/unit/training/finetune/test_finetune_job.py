"""Fine-tuning as a job does it: gone on from what an earlier attempt left, and done once."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from models_store.recipe import Recipe
from models_store.registry import Registry, Version
from models_store.specs import DataSpec, NetSpec
from tests.support.job_folders import done, job
from tests.support.lessons import SPEC, Heard, digit_files, published, session, small_version, stripes
from training.data.rows import DataSet
from training.errors import BaseUnusable, CheckpointRejected, ExperimentBusy
from training.finetune.finetune import finetune
from training.fit.epoch import Epoch
from training.nets.catalog import build
from training.publish.assemble import Outcome
from training.synthetic import strokes


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry(tmp_path_factory.mktemp("jobs") / "store")


@pytest.fixture(scope="module")
def base(store: Registry) -> Version:
    return small_version(store)


def weights(version: Version) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(version.folder / "weights.safetensors")


def same(left: Version, right: Version) -> bool:
    mine, theirs = weights(left), weights(right)
    return all(torch.equal(tensor, theirs[name]) for name, tensor in mine.items())


def with_dropout(store: Registry, base: Version, share: float) -> Version:
    """The same weights in a net that drops out while it learns."""
    net = dataclasses.replace(base.manifest.recipe.net, options={**base.manifest.recipe.net.options, "dropout": share})
    with store.stage("digits") as folder:
        shutil.copytree(base.folder, folder, dirs_exist_ok=True)
        recipe = dataclasses.replace(base.manifest.recipe, net=net)
        return store.publish("digits", folder, dataclasses.replace(base.manifest, recipe=recipe))


def test_the_dropout_is_the_fine_tunings_and_never_the_bases(store: Registry, base: Version, tmp_path: Path) -> None:
    pictures, dropping = digit_files(tmp_path / "new", per_digit=5), with_dropout(store, base, 0.5)
    made = {}
    for version in (base, dropping):
        for share in (0.0, 0.5):
            asked = job(version, tmp_path / f"job {version.number} {share}", pictures, dropout=share)
            made[version.number, share] = done(asked, store)
    assert same(made[base.number, 0.0], made[dropping.number, 0.0])
    assert same(made[base.number, 0.5], made[dropping.number, 0.5])
    assert not same(made[base.number, 0.0], made[base.number, 0.5])
    for (number, share), version in made.items():
        assert version.manifest.recipe.net.options.get("dropout", 0.0) == (0.0 if number == base.number else 0.5)
        assert version.manifest.recipe.finetune is not None and version.manifest.recipe.finetune.dropout == share


def test_a_net_without_dropout_is_tuned_without(tmp_path: Path) -> None:
    own, rows = Registry(tmp_path / "own"), stripes(60)
    net, learning = NetSpec(name="lite", options={"width": 0.25}), dataclasses.replace(SPEC, epochs=1)
    recipe = Recipe(publish_to="digits", net=net, data=DataSpec(source="mnist"), train=learning)
    facts = DataSet(rows[:40], rows[40:], tuple("0123456789"), "mnist")
    outcome = Outcome(build(net, recipe.input, 10), recipe, facts, torch.float32, pictures=False)
    lite = published(outcome, own)
    asked = job(lite, tmp_path / "job", digit_files(tmp_path / "new", per_digit=1), dropout=0.5)
    assert done(asked, own).manifest.recipe.net == net


class Killed(BaseException):
    """Stands for whatever ends a process."""


class Killing(Heard):
    """Ends the process after the first epoch of a run."""

    def __init__(self, run: str) -> None:
        super().__init__()
        self._run = run

    def epoch(self, run: str, epoch: Epoch) -> None:
        super().epoch(run, epoch)
        if run == self._run:
            raise Killed


def test_another_attempt_goes_on_from_the_checkpoints_that_lie_in_the_folder(
    store: Registry, base: Version, tmp_path: Path
) -> None:
    pictures = digit_files(tmp_path / "new", per_digit=2)
    asked = job(base, tmp_path / "job", pictures, epochs=2, name="resumed")
    with pytest.raises(Killed):
        done(asked, store, Killing("fold 2"))
    assert sorted(path.name for path in asked.folder.glob("*.pt")) == ["fold 1.pt", "fold 2.pt"]
    assert not list(store.root.rglob(".staging-*"))
    heard = Heard()
    made = done(asked, store, heard)
    assert (heard.numbers("fold 1"), heard.numbers("fold 2"), heard.numbers("fold 3")) == ([], [2], [1, 2])
    assert heard.notes[0] == "fold 2: went on from the checkpoint after epoch 1"
    unbroken = done(job(base, tmp_path / "whole", pictures, epochs=2, name="unbroken"), store)
    assert same(made, unbroken) and made.manifest.gate == unbroken.manifest.gate


@pytest.mark.parametrize("left", [b"", b"no checkpoint", "another net's"])
def test_a_checkpoint_of_no_use_is_begun_anew(
    store: Registry, base: Version, tmp_path: Path, left: bytes | str
) -> None:
    pictures = digit_files(tmp_path / "new", per_digit=6)
    asked = job(base, tmp_path / "job", pictures, name=f"anew {left!r}")
    content = left if isinstance(left, bytes) else b""
    if isinstance(left, str):
        torch.save({"net": {"weight": torch.zeros(3)}}, tmp_path / "other.pt")
        content = (tmp_path / "other.pt").read_bytes()
    (asked.folder / "training.pt").write_bytes(content)
    heard = Heard()
    made = done(asked, store, heard)
    assert heard.notes[0] == "training: began anew, because the checkpoint of an earlier attempt is of no use"
    assert heard.numbers("training") == [1]
    assert same(made, done(job(base, tmp_path / "fresh", pictures, name=f"fresh {left!r}"), store))


def test_by_hand_a_checkpoint_of_no_use_is_a_persons_to_judge(store: Registry, base: Version, tmp_path: Path) -> None:
    asked = job(base, tmp_path / "job", digit_files(tmp_path / "new", per_digit=6))
    with pytest.raises(Killed):
        finetune(base, asked.recipe, session(store, report=Killing("training")))
    (left,) = store.root.glob(".runs/*/training.pt")
    left.write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointRejected, match="--fresh"):
        finetune(base, asked.recipe, session(store, report=Heard()))
    shutil.rmtree(left.parent)


def test_a_job_is_done_once(store: Registry, base: Version, tmp_path: Path) -> None:
    asked = job(base, tmp_path / "job", digit_files(tmp_path / "new", per_digit=6), name="once")
    first, before = Heard(), store.versions("digits")
    made = done(asked, store, first)
    again = Heard()
    assert done(asked, store, again) == made
    assert again.epochs == [] and again.facts == first.facts
    assert store.versions("digits") == [*before, made.number]
    assert again.facts["numbers"] == made.manifest.metrics
    assert (again.facts["version"], again.facts["gate"]) == (made.ref, made.manifest.gate)


def test_what_another_attempt_published_while_this_one_waited_counts(
    store: Registry, base: Version, tmp_path: Path
) -> None:
    asked = job(base, tmp_path / "job", digit_files(tmp_path / "new", per_digit=6), name="raced")
    other: list[Version] = []

    class Slow(Heard):
        """While it exports, another worker's attempt does all of the job."""

        def stage(self, text: str) -> None:
            if text == "exporting" and not other:
                other.append(done(asked, store))

    heard = Slow()
    made = done(asked, store, heard)
    assert [made] == other and heard.facts["version"] == made.ref
    assert [n for n in store.versions("digits") if n > made.number] == []
    assert not list(store.root.rglob(".staging-*"))


def test_a_base_that_is_gone_or_damaged_is_told(store: Registry, base: Version, tmp_path: Path) -> None:
    pictures = digit_files(tmp_path / "new", per_digit=1)
    with pytest.raises(BaseUnusable, match="The model digits has no version 99"):
        done(job(base, tmp_path / "job", pictures, ref="digits@99"), store)
    damaged = with_dropout(store, base, 0.1)
    (damaged.folder / "model.pt").write_bytes(b"damaged")
    with pytest.raises(BaseUnusable, match=rf"{damaged.ref}: model.pt is not the file that was published"):
        done(job(base, tmp_path / "job", pictures, ref=damaged.ref), store)


def test_the_bases_accuracy_is_its_manifests_only_where_the_pictures_are_the_same(
    store: Registry, base: Version, tmp_path: Path
) -> None:
    """Of a manifest that boasts, one can see which number was taken."""
    pictures = digit_files(tmp_path / "new", per_digit=1)

    def boasting(**facts: str) -> Version:
        with store.stage("digits") as folder:
            shutil.copytree(base.folder, folder, dirs_exist_ok=True)
            data = dataclasses.replace(base.manifest.data, **facts)  # type: ignore[arg-type]
            draft = dataclasses.replace(base.manifest, metrics={"accuracy": 0.125}, data=data)
            return store.publish("digits", folder, draft)

    told, measured = boasting(), boasting(sha256="0" * 64)
    for version, accuracy in ((told, 0.125), (measured, base.manifest.metrics["accuracy"])):
        made = done(job(version, tmp_path / f"job-{version.number}", pictures, name=version.ref), store)
        assert made.manifest.metrics["accuracy_of_base"] == pytest.approx(accuracy)


def test_corrections_of_a_single_label_are_learned_and_judged(store: Registry, base: Version, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    (tmp_path / "new" / "7").mkdir(parents=True)
    for number in range(30):
        Image.fromarray(strokes.on_paper(7, rng)).save(tmp_path / "new" / "7" / f"{number}.png")
    made = done(job(base, tmp_path / "job", tmp_path / "new", name="sevens"), store)
    assert made.manifest.labels == tuple("0123456789")
    assert ": 30 new pictures in 5 folds: " in made.manifest.gate
    assert "the base's own test (360 rows)" in made.manifest.gate


def test_the_same_training_by_hand_is_done_by_one_process(store: Registry, base: Version, tmp_path: Path) -> None:
    asked = job(base, tmp_path / "job", digit_files(tmp_path / "new", per_digit=6))

    class Second(Heard):
        def stage(self, text: str) -> None:
            if text == "exporting":
                with pytest.raises(ExperimentBusy):
                    finetune(base, asked.recipe, session(store, report=Heard()))

    finetune(base, asked.recipe, session(store, report=Second()))
