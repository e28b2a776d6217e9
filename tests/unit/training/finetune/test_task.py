"""A fine-tuning that is judged by labelled files of its own."""

import shutil
from pathlib import Path

import pytest

from models_store.errors import DataSetRejected
from models_store.model import Model
from models_store.registry import Registry, Version
from tests.support.job_folders import done, job
from tests.support.lessons import NOWHERE, Heard, digit_files, sign_files, small_version
from training.data import sources
from training.finetune.task import read


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
    rows = sources.labelled(judging, base.manifest.input, base.manifest.labels)
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
    sentence = "0 usable pictures are too few to learn from: give 5 or more. Not learned from, .*: 20 of 20 pictures."
    with pytest.raises(DataSetRejected, match=sentence):
        done(job(base, tmp_path / "job", new, validation=str(new)), store)


def test_parts_of_the_files_judge_and_test_and_are_not_learned(store: Registry, base: Version, tmp_path: Path) -> None:
    digit_files(tmp_path / "new" / "train", per_digit=2)
    judging = digit_files(tmp_path / "new" / "val", per_digit=1, seed=9)
    testing = digit_files(tmp_path / "new" / "testing", per_digit=1, seed=10)
    heard = Heard()
    made = done(job(base, tmp_path / "job", tmp_path / "new", "parted"), store, heard)
    assert "Parts: test 10, train 20, validation 10. Only train is learned." in heard.notes[0]
    assert made.manifest.data.train_rows == 20 and ": 10 validation pictures: " in made.manifest.gate
    for folder, number in ((judging, "new_accuracy"), (testing, "test_accuracy")):
        rows = sources.labelled(folder, base.manifest.input, base.manifest.labels)
        answers = Model.load(made.folder, made.manifest).predict(rows.pictures.numpy()).argmax(1)
        assert made.manifest.metrics[number] == pytest.approx((answers == rows.labels.numpy()).mean())
    assert made.manifest.metrics["test_rows"] == 10


def test_a_test_alone_leaves_the_judging_to_held_out_rows(store: Registry, base: Version, tmp_path: Path) -> None:
    sign_files(tmp_path / "new" / "train", per_sign=20)
    sign_files(tmp_path / "new" / "test", per_sign=2, seed=8)
    made = done(job(base, tmp_path / "job", tmp_path / "new", "parted-signs", "parted"), store)
    assert "of 12 held-out new pictures read right" in made.manifest.gate
    assert (made.manifest.data.train_rows, made.manifest.metrics["test_rows"]) == (48, 6)


@pytest.fixture(scope="module")
def taught(store: Registry, base: Version, tmp_path_factory: pytest.TempPathFactory) -> tuple[Version, Path]:
    """A version that has learned from forty pictures, and a folder with these, their copies and ten others."""
    place = tmp_path_factory.mktemp("taught")
    new, judging = digit_files(place / "new", per_digit=4), digit_files(place / "judging", per_digit=1, seed=9)
    made = done(job(base, place / "job", new, "taught", validation=str(judging)), store)
    for digit in judging.iterdir():
        shutil.copy(digit / "0.png", new / digit.name / "other.png")
    return made, new


def test_pictures_that_the_base_has_learned_from_are_learned_again_and_do_not_judge(
    store: Registry, taught: tuple[Version, Path], tmp_path: Path
) -> None:
    version, same = taught
    heard = Heard()
    made = done(job(version, tmp_path / "job", same, "again"), store, heard)
    assert f"{version.ref} has learned from 40 of 50 new pictures: only the others judge." in heard.notes
    assert ": 10 new pictures in 5 folds: " in made.manifest.gate
    assert (made.manifest.metrics["new_rows"], made.manifest.data.train_rows) == (10, 50)
    digit_files(tmp_path / "more", per_digit=5, seed=20)
    for digit in same.iterdir():
        shutil.copytree(digit, tmp_path / "more" / digit.name / "same")
    made = done(job(version, tmp_path / "job", tmp_path / "more", "more"), store)
    assert ": 10 held-out new pictures: " in made.manifest.gate  # of 60 others
    assert made.manifest.data.train_rows == 100 - 10


def test_validation_data_that_the_base_has_learned_from_do_not_judge(
    store: Registry, taught: tuple[Version, Path], tmp_path: Path
) -> None:
    version, same = taught
    new, heard = digit_files(tmp_path / "new", per_digit=1, seed=30), Heard()
    made = done(job(version, tmp_path / "job", new, "judged by others", validation=str(same)), store, heard)
    assert f"{version.ref} has learned from 40 of 50 validation pictures: only the others judge." in heard.notes
    assert ": 10 validation pictures: " in made.manifest.gate


def test_where_the_base_has_learned_from_nearly_all_they_judge_and_the_sentence_says_so(
    store: Registry, taught: tuple[Version, Path], tmp_path: Path
) -> None:
    """Corrections are often given again whole: that must stay possible."""
    version, heard = taught[0], Heard()
    whole = shutil.copytree(taught[1], tmp_path / "whole")
    for digit in "456789":
        (whole / digit / "other.png").unlink()
    made = done(job(version, tmp_path / "job", whole, "whole"), store, heard)
    told = f"{version.ref} has learned from 40 of 44 new pictures: too few others are left to judge"
    assert any(note.startswith(told) for note in heard.notes)
    assert f": 44 new pictures in 5 folds, of which {version.ref} has learned from 40: " in made.manifest.gate
    new = digit_files(tmp_path / "new", per_digit=1, seed=30)
    made = done(job(version, tmp_path / "job", new, "by heart", validation=str(whole)), store)
    assert f": 44 validation pictures, of which {version.ref} has learned from 40: " in made.manifest.gate


def test_the_test_is_of_what_the_base_has_not_learned_from(
    store: Registry, taught: tuple[Version, Path], tmp_path: Path
) -> None:
    version, same = taught
    digit_files(tmp_path / "new" / "train", per_digit=1, seed=40)
    shutil.copytree(same, tmp_path / "new" / "test")
    made = done(job(version, tmp_path / "job", tmp_path / "new", "tested"), store)
    assert made.manifest.metrics["test_rows"] == 10


def test_of_new_labels_all_pictures_judge(taught: tuple[Version, Path], tmp_path: Path) -> None:
    """The base may have seen them, but not what they shall be called now: there is no comparing with it."""
    version, same = taught
    for number, digit in enumerate(sorted(same.iterdir())):
        for path in digit.iterdir():
            letter = tmp_path / "letters" / "ab"[number % 2]
            letter.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, letter / f"{digit.name}-{path.name}")
    asked = job(version, tmp_path / "job", tmp_path / "letters", suffix="letters")
    task = read(version, asked.recipe, NOWHERE, Heard())
    assert task.new_labels and len(task.fair(task.rows)) == len(task.rows) == 50


def test_each_new_label_needs_five_pictures_that_do_not_judge(base: Version, tmp_path: Path) -> None:
    new = sign_files(tmp_path / "new", per_sign=5)
    judging = sign_files(tmp_path / "judging", per_sign=2, seed=8)
    shutil.copy(new / "bar" / "0.png", judging / "bar" / "copy.png")
    asked = job(base, tmp_path / "job", new, suffix="signs", validation=str(judging))
    with pytest.raises(DataSetRejected) as refusal:
        read(base, asked.recipe, NOWHERE, Heard())
    assert str(refusal.value) == (
        "Each label needs 5 pictures: add at least 1 of 'bar', or let others judge. "
        "Not learned from, as pictures that judge are the same: 1 of 15 pictures."
    )
