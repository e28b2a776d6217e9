"""Which pictures judge: a part of the files, another part that was named, or files elsewhere."""

import shutil
from pathlib import Path

import pytest

from models_store.datasets.rows import Split
from models_store.datasets.splits import split_of
from models_store.errors import DataSetRejected
from models_store.specs import InputSpec
from tests.unit.training.data.test_sources_files import folder, numbers
from training.data import parts

PICTURE = InputSpec()


def test_files_without_parts_are_all_there_to_learn(tmp_path: Path) -> None:
    own = parts.own(folder(tmp_path, {"7": 2, "1": 3}), PICTURE)
    assert (own.labels, list(own.rows), numbers(own.train)) == (("1", "7"), ["train"], {1, 2, 3, 4, 5})
    assert parts.judges(own, PICTURE, {"validation": "", "test": ""}) == {}


def test_each_part_judges_as_what_it_is_called(tmp_path: Path) -> None:
    own = parts.own(folder(tmp_path, {"train/1": 1, "train/7": 1, "val/1": 1, "test/7": 1}), PICTURE)
    found = parts.judges(own, PICTURE, {"validation": "", "test": ""})
    assert {part: numbers(rows) for part, rows in found.items()} == {"validation": {3}, "test": {4}}
    swapped = parts.judges(own, PICTURE, {"validation": "test", "test": "Validation"})
    assert {part: numbers(rows) for part, rows in swapped.items()} == {"validation": {4}, "test": {3}}


def test_each_picture_to_learn_has_its_names(tmp_path: Path) -> None:
    path = folder(tmp_path, {"train/1": 2, "test/7": 1, "train/7": 1})
    shutil.copy(path / "train" / "1" / "001.png", path / "train" / "1" / "copy.png")
    own = parts.own(path, PICTURE)
    assert len(own.train) == 3
    assert own.train_names == [("train/1/001.png", "train/1/copy.png"), ("train/1/002.png",), ("train/7/004.png",)]


def test_a_version_that_has_labels_knows_those_of_every_part(tmp_path: Path) -> None:
    path = folder(tmp_path, {"train/1": 1, "test/7": 1})
    assert parts.labelled(path, PICTURE, ("1", "7")).labels == ("1", "7")
    with pytest.raises(DataSetRejected, match=r"'7', as in test/7/002\.png"):
        parts.labelled(path, PICTURE, ("1",))


def test_rows_that_judge_are_taken_out_by_their_pixels(tmp_path: Path) -> None:
    own = parts.own(folder(tmp_path, {"1": 4, "7": 4}), PICTURE)
    assert numbers(parts.without(own.train, own.train[:2], own.train[6:])) == {3, 4, 5, 6}
    assert len(parts.without(own.train)) == 8


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize("name", ["val", "Validation set", "test", "train", "training"])
def test_a_name_of_a_part_that_the_data_do_not_have_is_no_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: Split, name: str
) -> None:
    own = parts.own(folder(tmp_path / "mine", {"1": 2, "7": 2}), PICTURE)
    monkeypatch.chdir(folder(tmp_path / "here", {"train/1": 1}).parent)
    named = split_of(name)
    why = "What is in train is learned" if named == "train" else f"The data has no part {named}: all of it"
    with pytest.raises(DataSetRejected, match=f"^Of the {part} data: {why}.* is ./{name}.$"):
        parts.judges(own, PICTURE, {part: name})


def test_the_parts_that_there_are_are_named(tmp_path: Path) -> None:
    own = parts.own(folder(tmp_path, {"train/1": 2, "test/1": 2}), PICTURE)
    with pytest.raises(DataSetRejected, match="The data has no part validation: it has test"):
        parts.judges(own, PICTURE, {"validation": "val"})


def test_a_path_that_is_called_as_a_part_is_read_where_the_data_have_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = parts.own(folder(tmp_path / "mine", {"1": 2, "7": 2}), PICTURE)
    parted = parts.own(folder(tmp_path / "parted", {"train/1": 2, "test/1": 2}, first=10), PICTURE)
    folder(tmp_path / "test", {"1": 1}, first=20)
    monkeypatch.chdir(tmp_path)
    assert numbers(parts.judges(plain, PICTURE, {"test": "test"})["test"]) == {20}
    assert numbers(parts.judges(parted, PICTURE, {"test": "test"})["test"]) == {12, 13}
    assert numbers(parts.judges(parted, PICTURE, {"test": "./test"})["test"]) == {20}
