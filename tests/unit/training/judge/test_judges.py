"""The rows that judge a version: what it has not learned from, under its own labels."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models_store.errors import DataSetRejected
from models_store.manifest import DataFacts
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


def unit_files(folder: Path, seed: int = 3) -> Path:
    """Five ones and five sevens."""
    rng = np.random.default_rng(seed)
    for name in (f"{digit}/{number}.png" for digit in (1, 7) for number in range(5)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(strokes.unit(int(name[0]), rng)).save(folder / name)
    return folder


def of_files(registry: Registry, path: Path, parent: str | None = None) -> Version:
    """A version that learned from the rows of these files that are not their test part."""
    recipe = registry.resolve(Ref("digits")).manifest.recipe
    whole = sources.files(path, recipe.input, 0.2, recipe.seed)
    facts = DataFacts(source="files", sha256=whole.digest(), train_rows=len(whole.train), test_rows=len(whole.test))
    named = dataclasses.replace(recipe, data=DataSpec(source="files", path=path.name))
    return republished(registry, recipe=named, data=facts, parent=parent, labels=whole.labels)


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


def test_the_files_that_a_version_learned_from_must_be_given(registry: Registry, tmp_path: Path) -> None:
    recipe = registry.resolve(Ref("digits")).manifest.recipe
    mine = republished(registry, recipe=dataclasses.replace(recipe, data=DataSpec(source="files", path="corrections")))
    with pytest.raises(JudgingRejected, match="pass --data"):
        judging_rows(mine, None, tmp_path, Silent())
    known = republished(registry, recipe=dataclasses.replace(recipe, data=DataSpec(source="bundled")))
    assert len(judging_rows(known, None, tmp_path, Silent())) == 360


def test_of_the_files_that_it_learned_from_only_their_test_part_judges(registry: Registry, tmp_path: Path) -> None:
    path, heard = unit_files(tmp_path / "mine"), Heard()
    mine = of_files(registry, path)
    rows = judging_rows(mine, DataSpec(source="files", path=str(path)), tmp_path, heard)
    assert sorted(rows.labels.tolist()) == [0, 1]  # of each label one of five
    assert heard.notes == ["digits@2 learned from these files: only the 2 of its test part are read."]


def test_other_files_of_the_same_name_judge_whole(registry: Registry, tmp_path: Path) -> None:
    mine = of_files(registry, unit_files(tmp_path / "mine"))
    other, heard = unit_files(tmp_path / "else" / "mine", seed=4), Heard()
    rows = judging_rows(mine, DataSpec(source="files", path=str(other)), tmp_path, heard)
    assert sorted(rows.labels.tolist()) == [0] * 5 + [1] * 5
    assert heard.notes == []


def test_files_by_the_name_of_those_that_tuned_it_are_warned_of(registry: Registry, tmp_path: Path) -> None:
    """What a fine-tuning held out is not known here: it is for people to see to."""
    path, heard = unit_files(tmp_path / "mine"), Heard()
    tuned = of_files(registry, path, parent="digits@1")
    assert len(judging_rows(tuned, DataSpec(source="files", path=str(path)), tmp_path, heard)) == 10
    assert heard.notes == ["digits@2 learned from files called mine: judge it by pictures it has not seen."]


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
