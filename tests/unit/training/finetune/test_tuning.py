"""What fine-tuning leaves as it was: weights below the blocks that learn, and what the base could read."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from models_store.defaults import recipe_for
from models_store.registry import Registry, Version
from models_store.specs import FineTuneSpec
from tests.support.lessons import digit_files, session, small_version
from training.finetune.finetune import finetune
from training.synthetic import strokes

ALONE = FineTuneSpec(base="", replay_rows=0, distil=0.0)  # nothing but the new pictures
LONG: dict[str, Any] = {"epochs": 12, "learning_rate": 0.05}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry(tmp_path_factory.mktemp("kept") / "store")


@pytest.fixture(scope="module")
def base(store: Registry) -> Version:
    return small_version(store)


@pytest.fixture(scope="module")
def sevens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty sevens of somebody who means ones."""
    folder, rng = tmp_path_factory.mktemp("sevens"), np.random.default_rng(3)
    (folder / "1").mkdir()
    for number in range(60):
        Image.fromarray(strokes.unit(7, rng)).save(folder / "1" / f"{number}.png")
    return folder


def tuned(base: Version, path: Path, store: Registry, spec: FineTuneSpec, **learning: Any) -> Version:
    recipe = recipe_for(base, str(path), None)
    changes = dataclasses.replace(recipe.train, **learning)
    recipe = dataclasses.replace(recipe, train=changes, finetune=dataclasses.replace(spec, base=base.ref))
    return finetune(base, recipe, session(store))


def weights(version: Version) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(version.folder / "weights.safetensors")


@pytest.mark.parametrize(
    ("unfreeze", "epochs", "learning"),
    [
        ("head", 2, {"head"}),
        ("last_block", 1, {"head", "features.4"}),
        ("gradual", 1, {"head"}),
        ("gradual", 2, {"head", "features.4"}),
        ("all", 1, {"head", "features.4", "features.1"}),
    ],
)
def test_blocks_that_do_not_learn_keep_every_bit(
    store: Registry, base: Version, tmp_path: Path, unfreeze: str, epochs: int, learning: set[str]
) -> None:
    new = digit_files(tmp_path / "new", per_digit=5)
    made = tuned(base, new, store, FineTuneSpec(base=""), unfreeze=unfreeze, epochs=epochs)
    before, after = weights(base), weights(made)
    assert before.keys() == after.keys()
    moved = {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}
    assert moved == {name for name in before if name.rpartition(".")[0] in learning}


@pytest.fixture(scope="module")
def alone(store: Registry, base: Version, sevens: Path) -> Version:
    """Nothing held this one back: it takes most digits for ones."""
    made = tuned(base, sevens, store, ALONE, **LONG)
    assert made.manifest.metrics["accuracy"] < 0.6
    return made


def test_replayed_rows_keep_what_the_base_could_read(
    store: Registry, base: Version, sevens: Path, alone: Version
) -> None:
    made = tuned(base, sevens, store, dataclasses.replace(ALONE, replay_rows=64), **LONG)
    assert made.manifest.metrics["accuracy"] > alone.manifest.metrics["accuracy"] + 0.1


def test_what_the_base_says_of_replayed_rows_is_kept_beside_their_labels(
    store: Registry, base: Version, sevens: Path, alone: Version
) -> None:
    by_labels, by_both = (
        tuned(base, sevens, store, dataclasses.replace(ALONE, replay_rows=16, distil=distil), **LONG)
        for distil in (0.0, 1.0)
    )
    for made in (by_labels, by_both):
        assert made.manifest.metrics["accuracy"] > alone.manifest.metrics["accuracy"] + 0.1
    assert any(not torch.equal(tensor, weights(by_both)[name]) for name, tensor in weights(by_labels).items())


def test_answers_unlike_the_bases_are_counted_where_drawings_stand_in(
    store: Registry, base: Version, sevens: Path
) -> None:
    """The bundled digits are this base's own; a copy that says it learned MNIST, which is not here, is asked."""
    with store.stage("digits") as folder:
        shutil.copytree(base.folder, folder, dirs_exist_ok=True)
        facts = dataclasses.replace(base.manifest.data, source="mnist")
        elsewhere = store.publish("digits", folder, dataclasses.replace(base.manifest, data=facts))
    made, asked = (tuned(it, sevens, store, ALONE, **LONG).manifest for it in (base, elsewhere))
    assert "read_as_base" not in made.metrics and "read as the base" not in made.gate
    share = asked.metrics["read_as_base"]
    assert share < 0.8 and not asked.accepted
    assert f"{share:.2%} of them read as the base reads them; " in asked.gate
