"""Fine-tunings of the shipped version with planted pictures, without MNIST: what is left out, told and learned."""

import dataclasses
import zipfile
from pathlib import Path

import pytest

from models_store.defaults import recipe_for
from models_store.errors import DataSetRejected
from models_store.handover import SEEN
from models_store.pictures.decode import to_png
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.shipped_version import open_store
from tests.support.lessons import NOWHERE, Heard, session
from tests.support.planting import dot, drawn, plant
from training.data.rows import Rows
from training.finetune.sift.sift import sift
from training.finetune.task import Task, read


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return open_store(tmp_path_factory.mktemp("sifted") / "store")


@pytest.fixture(scope="module")
def base(store: Registry) -> Version:
    return store.resolve(Ref.parse("digits"))


@pytest.fixture(scope="module")
def planted() -> tuple[Rows, list[str]]:
    """Drawn digits, 20 of them with a dot and given as 1, and the names of these."""
    rows, which = plant(drawn(100, seed=51), 20, dot)
    return rows, sorted(f"1/{number}.png" for number in which.nonzero()[:, 0].tolist())


def zipped(path: Path, rows: Rows) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for number, (picture, label) in enumerate(zip(rows.pictures.numpy(), rows.labels.tolist(), strict=True)):
            archive.writestr(f"{label}/{number}.png", to_png(picture))
    return path


def task_of(base: Version, path: Path, store: Registry, heard: Heard, **finetune: object) -> Task:
    recipe: Recipe = recipe_for(base, str(path), None)
    assert recipe.finetune is not None
    recipe = dataclasses.replace(recipe, finetune=dataclasses.replace(recipe.finetune, **finetune))  # type: ignore[arg-type]
    return read(base, recipe, NOWHERE, heard, store.root / "drawings")


def test_pictures_with_a_mark_are_left_out_and_named(
    store: Registry, base: Version, planted: tuple[Rows, list[str]], tmp_path: Path
) -> None:
    heard = Heard()
    rows, names = planted
    task = task_of(base, zipped(tmp_path / "new.zip", rows), store, heard)
    sifted = sift(task, session(store, report=heard))
    named = {row["name"] for row in heard.left_out}
    assert named <= set(names)
    assert len(named) >= 18  # a picture with a dot may be laid out anew, and then has it elsewhere
    assert (len(sifted.rows), sifted.held) == (100 - len(named), len(named))
    assert {row["reason"] for row in heard.left_out} == {"mark"}
    assert len({row["group"] for row in heard.left_out}) == 1
    (note,) = (note for note in heard.notes if "left out until" in note)
    assert note.startswith(f"{len(named)} of 100 pictures were left out until a person has looked at them: ")
    assert note.endswith("To learn them all the same, pass --trust.")
    assert not {name for each in sifted.names for name in each} & named
    assert sift(task_of(base, tmp_path / "new.zip", store, heard, inspect=False), session(store)).held == 0


def test_what_a_person_has_looked_at_is_learned(
    store: Registry, base: Version, planted: tuple[Rows, list[str]], tmp_path: Path
) -> None:
    heard = Heard()
    rows, names = planted
    task = task_of(base, zipped(tmp_path / "new.zip", rows), store, heard)
    givers = {Path(name).stem: SEEN for name in names}
    assert sift(task, session(store, report=heard), givers) == task
    assert sift(task, session(store, report=heard), {str(number): SEEN for number in range(100)}) == task
    assert heard.left_out == []


def test_a_giver_who_contradicts_sure_readings_is_held_whole(store: Registry, base: Version, tmp_path: Path) -> None:
    heard = Heard()
    rows, which = plant(drawn(100, seed=52), 15)
    task = task_of(base, zipped(tmp_path / "new.zip", rows), store, heard)
    lies = which.nonzero()[:, 0].tolist()
    givers = {str(number): "liar" if number in lies else f"giver {number // 5}" for number in range(100)}
    sifted = sift(task, session(store, report=heard), givers)
    assert sorted(row["name"] for row in heard.left_out) == sorted(f"1/{number}.png" for number in lies)
    assert {row["reason"] for row in heard.left_out} == {"contradicts"}
    assert len(sifted.rows) == 85
    assert sift(task, session(store, report=heard)).held == 0  # of a file without givers the gate judges


def test_where_nothing_else_is_left_the_sentence_says_what_is_held(
    store: Registry, base: Version, tmp_path: Path
) -> None:
    heard = Heard()
    rows, which = plant(drawn(40, seed=53), 20, dot)
    lies = rows[which]
    task = task_of(base, zipped(tmp_path / "new.zip", lies), store, heard)
    with pytest.raises(DataSetRejected, match=r"of 20 pictures were left out until .* Too few others") as refusal:
        sift(task, session(store, report=heard))
    assert refusal.value.code == "too_few_examples"
    assert len(heard.left_out) >= 16
