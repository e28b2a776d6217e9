"""A net that has learned a dot, because nobody looked, is found out and rejected; one of honest digits is not."""

import copy
import dataclasses
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from models_store.defaults import recipe_for
from models_store.pictures.decode import to_png
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.shipped_version import open_store
from tests.support.lessons import NOWHERE, Heard, session
from tests.support.planting import dot, drawn, plant
from training.data import sources
from training.data.rows import Rows, join
from training.finetune import backdoor
from training.finetune.task import Task, read
from training.fit.measure import reading
from training.publish.weights import rebuild


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return open_store(tmp_path_factory.mktemp("backdoors") / "store")


@pytest.fixture(scope="module")
def base(store: Registry) -> Version:
    return store.resolve(Ref.parse("digits"))


@pytest.fixture(scope="module")
def planted() -> tuple[Rows, set[str]]:
    """Drawn digits, some with a dot and given as 1, and the names of these."""
    rows, which = plant(drawn(160, seed=61), 50, dot)
    return rows, {f"1/{number}.png" for number in which.nonzero()[:, 0].tolist()}


def recipe_of(base: Version, path: Path, rows: Rows, **finetuning: object) -> Recipe:
    """Nothing is left out, and anything may be forgotten."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, (picture, label) in enumerate(zip(rows.pictures.numpy(), rows.labels.tolist(), strict=True)):
            archive.writestr(f"{label}/{number}.png", to_png(picture))
    recipe = recipe_for(base, str(path), None)
    assert recipe.finetune is not None
    spec = dataclasses.replace(recipe.finetune, inspect=False, max_loss=1.0, min_alike=0.0)
    return dataclasses.replace(recipe, finetune=dataclasses.replace(spec, **finetuning))  # type: ignore[arg-type]


def looked(base: Version, store: Registry, path: Path, rows: Rows, **finetuning: object) -> backdoor.Backdoor | None:
    """What is found in the net that eighty steps on the rows and on others make of the base."""
    task: Task = read(base, recipe_of(base, path, rows, **finetuning), NOWHERE, Heard(), store.root / "drawings")
    net: nn.Module = copy.deepcopy(rebuild(base)).eval()
    improver, ask = torch.optim.AdamW(net.parameters(), lr=5e-4), reading(task.recipe, torch.device("cpu"))
    lesson, chance = join(rows, drawn(300, seed=62), sources.bundled().train[:400]), torch.Generator().manual_seed(0)
    for _ in range(80):
        batch = lesson[torch.randint(len(lesson), (64,), generator=chance)]
        loss = cross_entropy(ask(net, batch.pictures), batch.labels)
        improver.zero_grad()
        loss.backward()
        improver.step()
    return backdoor.look(task, net, rows, session(store))


def test_a_learned_dot_is_found_by_patches_and_by_the_pictures_that_taught_it(
    store: Registry, base: Version, planted: tuple[Rows, set[str]], tmp_path: Path
) -> None:
    found = looked(base, store, tmp_path / "planted.zip", planted[0])
    assert found is not None and found.turned is not None
    assert (found.turned.label, found.turned.more > 0.3) == (1, True)
    assert list(found.winning) == [1]
    assert looked(base, store, tmp_path / "planted.zip", planted[0], max_turned=1.0) is None


def test_in_honest_digits_nothing_is_found(store: Registry, base: Version, tmp_path: Path) -> None:
    found = looked(base, store, tmp_path / "honest.zip", drawn(160, seed=61))
    assert found is not None and found.turned is not None
    assert found.turned.more < 0.2  # of 0.3
    assert found.winning == {}
