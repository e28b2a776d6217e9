"""Jobs as a worker hands them over: a folder with a recipe, and leave to publish from the start."""

import dataclasses
from pathlib import Path

from models_store.defaults import recipe_for
from models_store.registry import Registry, Version
from tests.support.lessons import Heard, session
from training.finetune.finetune import do
from training.job import JobFolder, open_job


def job(
    base: Version,
    folder: Path,
    pictures: Path,
    name: str = "",
    suffix: str | None = None,
    epochs: int = 1,
    ref: str | None = None,
    validation: str = "",
    dropout: float = 0.0,
) -> JobFolder:
    """A folder as a worker makes it, but that the pictures may lie elsewhere."""
    folder.mkdir(exist_ok=True)
    recipe = recipe_for(base, str(pictures), suffix)
    assert recipe.finetune is not None
    spec = dataclasses.replace(recipe.finetune, job=name, base=ref or base.ref, validation=validation, dropout=dropout)
    train = dataclasses.replace(recipe.train, epochs=epochs)
    (folder / "recipe.json").write_text(dataclasses.replace(recipe, finetune=spec, train=train).to_json())
    (folder / "go").touch()
    return open_job(folder)


def done(asked: JobFolder, store: Registry, heard: Heard | None = None) -> Version:
    """The version that doing it in this process gives, without MNIST."""
    return do(asked, session(store, report=heard))
