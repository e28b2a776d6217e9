"""A job whose pictures have taught a dot is rejected, from end to end, and the pictures are named."""

import dataclasses
from pathlib import Path

from models_store.registry import Registry, Version
from tests.support.lessons import Heard, session
from tests.unit.training.finetune.test_backdoor import base, planted, recipe_of, store
from training.data.rows import Rows
from training.finetune.finetune import finetune

__all__ = ["base", "planted", "store"]  # the fixtures


def test_the_gate_rejects_it_and_names_the_pictures(
    store: Registry, base: Version, planted: tuple[Rows, set[str]], tmp_path: Path
) -> None:
    heard = Heard()
    recipe = recipe_of(base, tmp_path / "planted.zip", planted[0])
    recipe = dataclasses.replace(recipe, train=dataclasses.replace(recipe.train, epochs=6))
    found = finetune(base, recipe, session(store, report=heard)).manifest
    assert not found.accepted
    assert "a patch turns pictures of other labels to 1: " in found.gate
    assert "given as 1 turn every other that they are laid over" in found.gate
    assert found.metrics["turned_by_patch"] > 0.3
    named = {row["name"] for row in heard.left_out}
    assert len(named) >= 0.5 * len(planted[1])
    assert named <= planted[1]
