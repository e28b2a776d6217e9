"""What versions remember of the pictures that they learned from, and how two of them are judged by the others."""

import dataclasses
import hashlib
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models_store.files import LEARNED
from models_store.manifest import DataFacts
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.specs import DataSpec
from tests.conftest import republished
from tests.support.lessons import NOWHERE, mnist_files, stripes
from training.data import sources
from training.data.rows import DataSet, Rows, join
from training.errors import JudgingRejected
from training.judge.learned import Learned, Memory, digests, of_data, of_rows, of_version, untold
from training.synthetic import strokes


def noted(registry: Registry, learned: Learned, source: str = "files: mine") -> Version:
    """A version as this release publishes it, that learned from these rows."""
    facts = DataFacts(source=source, sha256="0" * 64, train_rows=1, test_rows=1)
    champion = registry.resolve(Ref("digits"))
    with registry.stage("digits") as folder:
        shutil.copytree(champion.folder, folder, dirs_exist_ok=True)
        learned.save(folder)
        return registry.publish("digits", folder, dataclasses.replace(champion.manifest, data=facts))


def counted(memory: Memory, version: Version, rows: Rows) -> tuple[int, bool]:
    learned, whole = memory.of(version, rows)
    return int(learned.sum()), whole


def test_a_picture_is_known_by_its_pixels_whatever_its_label_or_file() -> None:
    rows = stripes(6)
    expected = [
        int.from_bytes(hashlib.sha256(picture.tobytes()).digest()[:8], "little") for picture in rows.pictures.numpy()
    ]
    assert digests(rows).tolist() == expected
    assert (digests(Rows(rows.pictures, rows.labels * 0)) == digests(rows)).all()
    assert len(digests(rows[:0])) == 0


def test_all_rows_that_a_training_sees_are_noted_and_the_tests_are_not() -> None:
    train, test, watching = stripes(12), stripes(6, seed=1), stripes(3, seed=2)
    data = DataSet(train, test, ("a", "b", "c"), "files: mine")
    assert set(of_data(data).rows.tolist()) == set(digests(train).tolist())
    watched = of_data(dataclasses.replace(data, validation=watching))
    assert set(watched.rows.tolist()) == set(digests(join(train, watching)).tolist())
    named = of_data(sources.bundled())
    assert len(named.rows) == 0 and named.sets == {("bundled", sources.bundled().digest())}


def test_a_version_keeps_what_it_has_noted(registry: Registry) -> None:
    mine = stripes(30)
    version = noted(registry, of_rows(mine[:20]).joined(Learned(sets=frozenset({("bundled", "0")}), whole=False)))
    assert LEARNED in version.manifest.files
    assert of_version(version).sets == {("bundled", "0")} and not of_version(version).whole
    assert counted(Memory(NOWHERE), version, mine) == (20, False)
    whole = noted(registry, of_rows(mine[:20]))
    assert counted(Memory(NOWHERE), whole, mine) == (20, True)
    assert Memory(NOWHERE).of(whole, mine)[0].tolist() == [True] * 20 + [False] * 10


def test_the_training_half_of_a_named_data_set_is_known_where_that_is_here(registry: Registry, tmp_path: Path) -> None:
    train, test = stripes(40), stripes(20, seed=5)
    data = sources.mnist(mnist_files(tmp_path, train, test))
    facts = DataFacts(source="mnist", sha256=data.digest(), train_rows=40, test_rows=20)
    version = republished(registry, data=facts)  # as releases before this one left it
    assert counted(Memory(tmp_path), version, data.train) == (40, True)
    assert counted(Memory(tmp_path), version, data.test) == (0, True)
    assert counted(Memory(NOWHERE), version, data.train) == (0, False)
    other = republished(registry, data=dataclasses.replace(facts, sha256="0" * 64))
    assert counted(Memory(tmp_path), other, data.train) == (0, False)  # another data set of that name


def test_what_a_parent_learned_counts_too(registry: Registry) -> None:
    bundled = sources.bundled()
    facts = DataFacts(source="bundled", sha256=bundled.digest(), train_rows=1437, test_rows=360)
    parent = republished(registry, data=facts)
    tuned = DataFacts(source="files: mine", sha256="0" * 64, train_rows=50, test_rows=10)
    child = republished(registry, data=tuned, parent=parent.ref)
    assert counted(Memory(NOWHERE), child, bundled.train[:100]) == (100, False)  # its own rows were not noted then
    orphan = republished(registry, data=tuned, parent="digits@99")
    assert counted(Memory(NOWHERE), orphan, bundled.train[:100]) == (0, False)
    for source in ("elsewhere; judged by bundled", "files: mine"):
        stranger = republished(registry, data=dataclasses.replace(facts, source=source))
        assert counted(Memory(NOWHERE), stranger, bundled.train[:100]) == (0, False)


def unit_files(folder: Path, seed: int = 3) -> Path:
    """Five ones and five sevens."""
    rng = np.random.default_rng(seed)
    for name in (f"{digit}/{number}.png" for digit in (1, 7) for number in range(5)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(strokes.unit(int(name[0]), rng)).save(folder / name)
    return folder


def test_files_that_an_earlier_release_learned_from_are_known_when_they_are_given(
    registry: Registry, tmp_path: Path
) -> None:
    path = unit_files(tmp_path / "mine")
    recipe = registry.resolve(Ref("digits")).manifest.recipe
    whole = sources.files(path, recipe.input, 0.2, recipe.seed)
    facts = DataFacts(source="files: mine", sha256=whole.digest(), train_rows=8, test_rows=2)
    named = dataclasses.replace(recipe, data=DataSpec(source="files", path="mine"))
    version = republished(registry, recipe=named, data=facts, labels=whole.labels)
    rows = join(whole.train, whole.test)
    assert counted(Memory(NOWHERE, DataSpec(source="files", path=str(path))), version, rows) == (8, True)
    assert counted(Memory(NOWHERE), version, rows) == (0, False)
    other = unit_files(tmp_path / "else" / "mine", seed=4)
    assert counted(Memory(NOWHERE, DataSpec(source="files", path=str(other))), version, rows) == (0, False)
    tuned = republished(registry, recipe=named, data=facts, labels=whole.labels, parent="digits@1")
    assert counted(Memory(NOWHERE, DataSpec(source="files", path=str(path))), tuned, rows) == (0, False)


@pytest.mark.parametrize(("kind", "options"), [("bmp", {}), ("png", {"compress_level": 0}), ("png", {"bits": 8})])
def test_the_same_pictures_in_other_files_are_known(
    registry: Registry, tmp_path: Path, kind: str, options: dict[str, int]
) -> None:
    picture, labels = registry.resolve(Ref("digits")).manifest.input, tuple("0123456789")
    png = sources.labelled(unit_files(tmp_path / "one"), picture, labels)
    for path in list(unit_files(tmp_path / "other").rglob("*.png")):
        buffer = io.BytesIO()
        Image.open(path).save(buffer, kind, **options)
        path.unlink()
        path.with_suffix(f".{kind}").write_bytes(buffer.getvalue())
    other = sources.labelled(tmp_path / "other", picture, labels)
    assert counted(Memory(NOWHERE), noted(registry, of_rows(png)), other) == (10, True)


def test_two_are_judged_by_what_neither_has_seen_and_it_is_said(registry: Registry) -> None:
    rows, memory = stripes(30), Memory(NOWHERE)
    left, right, fresh = (noted(registry, of_rows(rows[part])) for part in (slice(0, 5), slice(3, 20), slice(0, 0)))
    rest, left_out = memory.unlearned((left, right), rows)
    assert torch.equal(rest.pictures, rows.pictures[20:]) and left_out.learned == (5, 17)
    assert left_out.said == (
        f" Of 30 rows 20 were left out: {left.ref} has learned from 5, {right.ref} has learned from 17."
    )
    rest, left_out = memory.unlearned((fresh, fresh), rows)
    assert (len(rest), left_out.learned, left_out.said) == (30, (0, 0), "")
    doubtful = noted(registry, Learned(whole=False))
    assert memory.unlearned((fresh, doubtful), rows)[1].said == f" {untold(doubtful)}"
    with pytest.raises(JudgingRejected, match=rf"No row is left .* {right.ref} has learned from 17\. Give pictures"):
        memory.unlearned((left, right), rows[:20])
