"""Which pictures judge: a part of the files, another part that was named, or files elsewhere."""

from pathlib import Path

import pytest

from models_store.errors import DataSetRejected
from models_store.specs import InputSpec
from tests.unit.training.data.test_sources_files import folder, numbers
from training.data import parts

PICTURE = InputSpec()


def test_files_without_parts_are_all_there_to_learn(tmp_path: Path) -> None:
    own = parts.own(folder(tmp_path, {"7": 2, "1": 3}), PICTURE)
    assert (own.labels, list(own.rows), numbers(own.train)) == (("1", "7"), ["train"], {1, 2, 3, 4, 5})
    assert numbers(own.judging("test", "validation")) == {1, 2, 3, 4, 5}
    assert parts.judges(own, PICTURE, {"validation": "", "test": ""}) == {}


def test_each_part_judges_as_what_it_is_called(tmp_path: Path) -> None:
    own = parts.own(folder(tmp_path, {"train/1": 1, "train/7": 1, "val/1": 1, "test/7": 1}), PICTURE)
    found = parts.judges(own, PICTURE, {"validation": "", "test": ""})
    assert {part: numbers(rows) for part, rows in found.items()} == {"validation": {3}, "test": {4}}
    swapped = parts.judges(own, PICTURE, {"validation": "test", "test": "Validation"})
    assert {part: numbers(rows) for part, rows in swapped.items()} == {"validation": {4}, "test": {3}}
    assert numbers(own.judging("test", "validation")) == {4}


def test_a_version_that_has_labels_knows_those_of_every_part(tmp_path: Path) -> None:
    path = folder(tmp_path, {"train/1": 1, "test/7": 1})
    assert parts.labelled(path, PICTURE, ("1", "7")).labels == ("1", "7")
    with pytest.raises(DataSetRejected, match=r"'7', as in test/7/002\.png"):
        parts.labelled(path, PICTURE, ("1",))


def test_rows_that_judge_are_taken_out_by_their_pixels(tmp_path: Path) -> None:
    own = parts.own(folder(tmp_path, {"1": 4, "7": 4}), PICTURE)
    assert numbers(parts.without(own.train, own.train[:2], own.train[6:])) == {3, 4, 5, 6}
    assert len(parts.without(own.train)) == 8
