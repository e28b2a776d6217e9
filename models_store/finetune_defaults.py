"""How a version is fine-tuned: the recipe that both the command line and the service start from. It knows no torch."""

from models_store.recipe import Recipe
from models_store.registry import Version
from models_store.specs import AugmentSpec, DataSpec, FineTuneSpec, TrainSpec


def recipe_for(base: Version, path: str, suffix: str | None) -> Recipe:
    """How a base is fine-tuned with the labelled files at `path` unless one says otherwise: the rates and the bending
    that did best on Semeion's digits (docs/training-log.md). With a suffix the result is a model of its own.
    """
    return Recipe(
        publish_to=f"{base.name}-{suffix}" if suffix else base.name,
        net=base.manifest.recipe.net,
        input=base.manifest.input,
        data=DataSpec(source="files", path=path),
        train=TrainSpec(
            epochs=30,
            batch_size=16,
            optimizer="adamw",
            learning_rate=2e-3,
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
        finetune=FineTuneSpec(base=base.ref),
    )
