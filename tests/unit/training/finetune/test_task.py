"""A fine-tuning that is judged by labelled files of its own."""

import shutil
from pathlib import Path

import pytest

from models_store.errors import DataSetRejected
from models_store.model import Model
from models_store.registry import Registry, Version
from tests.support.job_folders import done, job
from tests.support.lessons import Heard, digit_files, sign_files, small_version
from training.data import sources


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry(tmp_path_factory.mktemp("judged") / "store")


@pytest.fixture(scope="module")
def base(store: Registry) -> Version:
    return small_version(store)


def test_validation_data_judge_in_place_of_held_out_rows(store: Registry, base: Version, tmp_path: Path) -> None:
    new = digit_files(tmp_path / "new", per_digit=2)
    judging = digit_files(tmp_path / "judging", per_digit=1, seed=9)
    shutil.copy(new / "4" / "0.png", judging / "4" / "copy.png")
    heard = Heard()
    made = done(job(base, tmp_path / "job", new, "judged", validation=str(judging)), store, heard)
    assert heard.notes[0] == "Not learned from, as pictures that judge are the same: 1 of 20 pictures."
    assert {name for name, _ in heard.epochs} == {"training"}  # no folds
    assert made.manifest.data.train_rows == 19
    assert ": 11 validation pictures: " in made.manifest.gate
    rows, _ = sources.labelled(judging, base.manifest.input, base.manifest.labels)
    for version, number in ((made, "new_accuracy"), (base, "new_accuracy_of_base")):
        answers = Model.load(version.folder, version.manifest).predict(rows.pictures.numpy()).argmax(1)
        assert made.manifest.metrics[number] == pytest.approx((answers == rows.labels.numpy()).mean())
    assert made.manifest.metrics["new_rows"] == 11
    kept = made.manifest.recipe.finetune
    assert kept is not None and (kept.validation, made.manifest.recipe.data.path) == ("judging", "new")


def test_validation_data_judge_a_new_label_set_too(store: Registry, base: Version, tmp_path: Path) -> None:
    new, judging = sign_files(tmp_path / "new", per_sign=6), sign_files(tmp_path / "judging", per_sign=2, seed=8)
    made = done(job(base, tmp_path / "job", new, "signs", "signs", validation=str(judging)), store)
    assert made.manifest.labels == ("bar", "cross", "frame")
    assert "of 6 validation pictures read right, at least 80.00% needed" in made.manifest.gate
    assert made.manifest.metrics["accuracy"] == made.manifest.metrics["new_accuracy"]


def test_validation_data_that_cannot_judge_are_refused(store: Registry, base: Version, tmp_path: Path) -> None:
    new, few = digit_files(tmp_path / "new", per_digit=2), tmp_path / "few"
    digit_files(few, per_digit=1, seed=9)
    for digit in "456789":
        shutil.rmtree(few / digit)
    with pytest.raises(DataSetRejected, match="4 usable validation pictures are too few to judge by") as refusal:
        done(job(base, tmp_path / "job", new, validation=str(few)), store)
    assert refusal.value.code == "too_few_examples"
    with pytest.raises(DataSetRejected, match="Of the validation data: The version does not know 'bar'") as refusal:
        done(job(base, tmp_path / "job", new, validation=str(sign_files(tmp_path / "signs", per_sign=2))), store)
    assert refusal.value.code == "label_unknown"
    with pytest.raises(DataSetRejected, match="0 usable pictures are too few to learn from"):
        done(job(base, tmp_path / "job", new, validation=str(new)), store)


def test_parts_of_the_files_judge_and_test_and_are_not_learned(store: Registry, base: Version, tmp_path: Path) -> None:
    digit_files(tmp_path / "new" / "train", per_digit=2)
    judging = digit_files(tmp_path / "new" / "val", per_digit=1, seed=9)
    testing = digit_files(tmp_path / "new" / "testing", per_digit=1, seed=10)
    heard = Heard()
    made = done(job(base, tmp_path / "job", tmp_path / "new", "parted"), store, heard)
    assert "Parts: test 10, train 20, validation 10; only train is learned." in heard.notes[0]
    assert made.manifest.data.train_rows == 20 and ": 10 validation pictures: " in made.manifest.gate
    for folder, number in ((judging, "new_accuracy"), (testing, "test_accuracy")):
        rows, _ = sources.labelled(folder, base.manifest.input, base.manifest.labels)
        answers = Model.load(made.folder, made.manifest).predict(rows.pictures.numpy()).argmax(1)
        assert made.manifest.metrics[number] == pytest.approx((answers == rows.labels.numpy()).mean())
    assert made.manifest.metrics["test_rows"] == 10


def test_a_test_alone_leaves_the_judging_to_held_out_rows(store: Registry, base: Version, tmp_path: Path) -> None:
    sign_files(tmp_path / "new" / "train", per_sign=20)
    sign_files(tmp_path / "new" / "test", per_sign=2, seed=8)
    made = done(job(base, tmp_path / "job", tmp_path / "new", "parted-signs", "parted"), store)
    assert "of 12 held-out new pictures read right" in made.manifest.gate
    assert (made.manifest.data.train_rows, made.manifest.metrics["test_rows"]) == (48, 6)
