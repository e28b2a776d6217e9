"""The rows that judge a version: what it has not learned from, under its own labels."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models_store.errors import DataSetRejected
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.specs import DataSpec
from tests.conftest import republished
from tests.support.lessons import Heard, stripes
from training.data import sources
from training.data.rows import Rows
from training.errors import JudgingRejected
from training.judge.judges import check_rows, judging_rows, relabelled
from training.report.progress import Silent
from training.synthetic import strokes

SWAPPED = ("1", "0", *"23456789")


@pytest.fixture
def version(registry: Registry) -> Version:
    return registry.resolve(Ref("digits"))


def test_rows_come_from_a_data_set_or_from_files(registry: Registry, version: Version, tmp_path: Path) -> None:
    assert len(judging_rows(version, DataSpec(source="bundled"), tmp_path, Silent())) == 360
    swapped = republished(registry, labels=SWAPPED)
    rows = judging_rows(swapped, DataSpec(source="bundled"), tmp_path, Silent())
    assert [SWAPPED[index] for index in rows.labels.tolist()[:360]] == [
        str(label) for label in sources.bundled().test.labels.tolist()
    ]
    rng = np.random.default_rng(0)
    for name in ("7/a.png", "7/b.png", "1/a.png"):
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(strokes.unit(int(name[0]), rng)).save(path)
    (tmp_path / "mine" / "7" / "broken.png").write_bytes(b"\x89PNG")
    heard = Heard()
    rows = judging_rows(version, DataSpec(source="files", path=str(tmp_path / "mine")), tmp_path, heard)
    assert sorted(rows.labels.tolist()) == [1, 7, 7]
    assert "3 of 4 pictures are usable" in heard.notes[0]
    with pytest.raises(DataSetRejected):
        judging_rows(version, DataSpec(source="files", path=str(tmp_path / "nothing")), tmp_path, Silent())


def test_of_files_with_parts_one_judges_and_that_is_told(version: Version, tmp_path: Path) -> None:
    rng, heard = np.random.default_rng(0), Heard()
    for name in ("train/7/a.png", "train/1/a.png", "train/1/b.png", "dev/7/a.png"):
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(strokes.unit(int(name.split("/")[1]), rng)).save(path)
    assert len(judging_rows(version, DataSpec(source="files", path=str(tmp_path / "mine")), tmp_path, heard)) == 1
    assert heard.notes == [
        "4 of 4 pictures are usable. Parts: validation 1, train 3.", "Judged by the part validation (1 pictures)."
    ]  # fmt: skip


def test_the_files_that_a_version_learned_from_must_be_given(registry: Registry, tmp_path: Path) -> None:
    recipe = registry.resolve(Ref("digits")).manifest.recipe
    mine = republished(registry, recipe=dataclasses.replace(recipe, data=DataSpec(source="files", path="corrections")))
    with pytest.raises(JudgingRejected, match="pass --data"):
        judging_rows(mine, None, tmp_path, Silent())
    known = republished(registry, recipe=dataclasses.replace(recipe, data=DataSpec(source="bundled")))
    assert len(judging_rows(known, None, tmp_path, Silent())) == 360


def test_indices_become_the_versions_own(registry: Registry) -> None:
    swapped = republished(registry, labels=SWAPPED)
    rows = relabelled(stripes(4), ("2", "1", "0", "unused"), swapped)  # which show 0, 1, 2, 0 of these
    assert rows.labels.tolist() == [2, 0, 1, 2]


def test_labels_that_the_version_does_not_know_are_listed_up_to_five(version: Version) -> None:
    labels = [f"letter {index}" for index in range(7)]
    rows = Rows(torch.zeros(14, 1, 28, 28, dtype=torch.uint8), torch.arange(14) % 7)
    with pytest.raises(JudgingRejected) as refusal:
        relabelled(rows, labels, version)
    listed = "letter 0, letter 1, letter 2, letter 3, letter 4 …"
    assert str(refusal.value) == f"digits@1 does not know what 14 rows show ({listed}): leave these out."
    with pytest.raises(JudgingRejected, match=r"what 2 rows show \(a\)"):
        relabelled(rows, ["0", "1", "2", "a", "4", "5", "6"], version)


def test_no_rows_and_rows_of_another_shape_are_refused(version: Version) -> None:
    rows = stripes(2)
    check_rows(version, rows)
    with pytest.raises(JudgingRejected, match="no row to judge by"):
        check_rows(version, rows[:0])
    with pytest.raises(JudgingRejected, match="takes pictures of 1x28x28, and these are 1x28x14"):
        check_rows(version, Rows(rows.pictures[..., :14], rows.labels))
