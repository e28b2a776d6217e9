"""What is usual unless one says otherwise: each optimizer's numbers, and how a version is fine-tuned. The one place for
training, fine-tuning, compressing, searching and jobs.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from models_store.recipe import Recipe
from models_store.registry import Version
from models_store.specs import AugmentSpec, DataSpec, FineTuneSpec, TrainSpec

RECOVERY = 10  # by so much the rate is divided by which a pruned or rounded net recovers
_OPTIMIZER: Literal["adamw"] = "adamw"
# Corrections are what the base reads wrong: they pull harder than pictures drawn at random, and more is forgotten. So
# they are learned at half the rate, and more of what the base knows is repeated (docs/training-log.md).
_RATE_OF_CORRECTIONS, _REPLAY_OF_CORRECTIONS = 0.5, 64


@dataclass(frozen=True)
class UsualNumbers:
    """One optimizer's numbers. With those from fresh weights, three epochs over a tenth of MNIST teach to read 97 % of
    its test (docs/training-log.md)."""

    learning_rate: float  # from fresh weights
    # From a base's: 200 of Semeion's digits teach to read 98.3 to 98.5 % of the other 1,393 (n = 1; untaught 93.0 %).
    tuning_rate: float
    weight_decay: float = 0.0  # from fresh weights; but for adamw it joins the gradient, which adaptive rates undo
    momentum: float | None = None  # from fresh weights, where it is known; rmsprop's makes steps ten times as large


USUAL: Mapping[str, UsualNumbers] = {
    "sgd": UsualNumbers(learning_rate=0.05, tuning_rate=2e-2, weight_decay=5e-4, momentum=0.9),
    "adam": UsualNumbers(learning_rate=2e-3, tuning_rate=2e-3),
    "adamw": UsualNumbers(learning_rate=2e-3, tuning_rate=2e-3, weight_decay=1e-2),
    "rmsprop": UsualNumbers(learning_rate=1e-3, tuning_rate=2e-4, momentum=0.0),
    "adagrad": UsualNumbers(learning_rate=1e-2, tuning_rate=1e-2),
}


def from_fresh_weights(optimizer: str) -> dict[str, float]:
    """What a recipe's table `train` takes from a table of `USUAL` where an optimizer is named without a rate."""
    usual = USUAL[optimizer]
    numbers = {"learning_rate": usual.learning_rate, "weight_decay": usual.weight_decay}
    return numbers if usual.momentum is None else {**numbers, "momentum": usual.momentum}


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
