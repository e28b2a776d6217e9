"""How a version is fine-tuned unless one says otherwise: the one place that the command line and the service share."""

import dataclasses
from typing import Literal

from models_store.optimizers import USUAL
from models_store.recipe import Recipe
from models_store.registry import Version
from models_store.specs import AugmentSpec, DataSpec, FineTuneSpec, TrainSpec

_OPTIMIZER: Literal["adamw"] = "adamw"
# Corrections are what the base reads wrong: they pull harder than pictures drawn at random, and more is forgotten. So
# they are learned at half the rate, and more of what the base knows is repeated (docs/training-log.md).
_RATE_OF_CORRECTIONS, _REPLAY_OF_CORRECTIONS = 0.5, 64


def usual_rate(optimizer: str) -> float:
    """The learning rate of an optimizer for pictures drawn at random."""
    return USUAL[optimizer].tuning_rate


def rate_for(optimizer: str, corrections: bool = False) -> float:
    """The learning rate for whole data sets, or for corrections."""
    return usual_rate(optimizer) * (_RATE_OF_CORRECTIONS if corrections else 1.0)


def recipe_for(base: Version, path: str, suffix: str | None, corrections: bool = False) -> Recipe:
    """How a base is fine-tuned with the labelled files at `path`: the rates and the augmentation that did best on
    Semeion's digits (docs/training-log.md). With a suffix the result is a model of its own; `corrections` are pictures
    that the base has read wrong.
    """
    spec = FineTuneSpec(base=base.ref)
    return Recipe(
        publish_to=f"{base.name}-{suffix}" if suffix else base.name,
        net=base.manifest.recipe.net,
        input=base.manifest.input,
        data=DataSpec(source="files", path=path),
        train=TrainSpec(
            epochs=30,
            batch_size=16,
            optimizer=_OPTIMIZER,
            learning_rate=rate_for(_OPTIMIZER, corrections),
            lower_rate=0.25,
            schedule="triangle",
            warmup=0.05,
            label_smoothing=0.05,
            precision="float32",  # a trial costs as much as it could win here
            freeze_norms=True,
        ),
        augment=AugmentSpec(rotate_degrees=12, log_scale=0.14, shear=0.18, shift_pixels=2, elastic_pixels=1)
        if base.manifest.input.finds_writing
        else AugmentSpec(),
        finetune=dataclasses.replace(spec, replay_rows=_REPLAY_OF_CORRECTIONS) if corrections else spec,
    )
