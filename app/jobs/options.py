"""A request's options -> a Recipe, and back to words that say what `auto` became."""

import dataclasses
from typing import Any

from app.errors import Unprocessable
from app.jobs.job import FEEDBACK
from app.jobs.request import Augment, Hyperparameters, JobRequest
from models_store.defaults import rate_for, recipe_for, usual_rate
from models_store.errors import RecordRejected
from models_store.recipe import Recipe
from models_store.registry import Version
from models_store.specs import AugmentSpec, FineTuneSpec, TrainSpec

_VALIDATION = 0.1  # share of the pictures that is set apart, where something waits for progress
_FALLS = 3  # of the schedule `step`, over all epochs
_PLATEAU_EPOCHS = 3


def recipe_of(base: Version, request: JobRequest, job_id: str, min_accuracy: float) -> Recipe:
    """The whole training that a request asks for; its files are named by their ids. Raises Unprocessable."""
    usual = recipe_for(base, request.training_file, request.suffix, corrections=request.training_file == FEEDBACK)
    assert usual.finetune is not None, "it is how a base is fine-tuned"
    try:
        return dataclasses.replace(
            usual,
            train=_train(usual.train, request),
            augment=_augment(usual.augment, request.supervised.augment),
            finetune=_finetune(usual.finetune, request, job_id, min_accuracy),
            seed=usual.seed if request.seed is None else request.seed,
        )
    except RecordRejected as refusal:
        table = str(refusal).partition(".")[0]
        param = "method.supervised.augment" if table == "augment" else "method"
        raise Unprocessable("option_rejected", str(refusal), param) from None


def hyperparameters_of(request: JobRequest) -> Hyperparameters:
    """OpenAI's three numbers, from one of the two places where they may stand. Raises Unprocessable."""
    outer, inner = request.hyperparameters, request.supervised.hyperparameters
    if outer is not None and inner is not None and outer != inner:
        raise Unprocessable(
            "option_rejected", "The hyperparameters stand in two places and differ. Leave one out.", "hyperparameters"
        )
    return inner or outer or Hyperparameters()


def described(recipe: Recipe, request: JobRequest) -> dict[str, Any]:
    """What a job will do, in the request's terms: sent again, it is the same job."""
    train, finetune = recipe.train, recipe.finetune
    assert finetune is not None, "a job fine-tunes"
    numbers = {
        "n_epochs": train.epochs,
        "batch_size": train.batch_size,
        "learning_rate_multiplier": round(train.learning_rate / usual_rate(train.optimizer), 9),
    }
    bending = {name: getattr(recipe.augment, name) for name in Augment.model_fields}
    supervised = {
        "hyperparameters": numbers,
        "unfreeze": train.unfreeze,
        "optimizer": train.optimizer,
        "loss": train.loss,
        "schedule": train.schedule,
        "augment": "none" if recipe.augment.is_identity else bending,
        "early_stopping": train.patience or "none",
        "replay": finetune.replay_rows or "none",
        "inspect": finetune.inspect,
        "promote": request.supervised.promote,
    }
    return {
        "hyperparameters": numbers,
        "method": {"type": "supervised", "supervised": supervised},
        "suffix": request.suffix,
        "seed": recipe.seed,
    }


def _train(usual: TrainSpec, request: JobRequest) -> TrainSpec:
    numbers, asked = hyperparameters_of(request), request.supervised
    epochs, multiplier = numbers.n_epochs or usual.epochs, numbers.learning_rate_multiplier
    corrections = request.training_file == FEEDBACK
    optimizer = usual.optimizer if asked.optimizer == "auto" else asked.optimizer
    schedule = usual.schedule if asked.schedule == "auto" else asked.schedule
    loss = usual.loss if asked.loss == "auto" else asked.loss
    patience = usual.patience if asked.early_stopping is None else asked.early_stopping
    step_epochs = {"step": max(1, epochs // _FALLS), "plateau": _PLATEAU_EPOCHS}
    return dataclasses.replace(
        usual,
        epochs=epochs,
        batch_size=numbers.batch_size or usual.batch_size,
        learning_rate=usual_rate(optimizer) * multiplier if multiplier else rate_for(optimizer, corrections),
        optimizer=optimizer,
        schedule=schedule,
        step_epochs=step_epochs.get(schedule, usual.step_epochs),
        loss=loss,
        label_smoothing=usual.label_smoothing if loss == "cross_entropy" else 0.0,
        patience=patience,
        validation=_VALIDATION if patience or schedule == "plateau" else usual.validation,
        unfreeze=usual.unfreeze if asked.unfreeze == "auto" else asked.unfreeze,
    )


def _augment(usual: AugmentSpec, asked: Augment | None) -> AugmentSpec:
    return usual if asked is None else AugmentSpec(**asked.model_dump())


def _finetune(usual: FineTuneSpec, request: JobRequest, job_id: str, min_accuracy: float) -> FineTuneSpec:
    replay = request.supervised.replay
    return dataclasses.replace(
        usual,
        job=job_id,
        validation=request.validation_file or "",
        replay_rows=usual.replay_rows if replay is None else replay,
        inspect=request.supervised.inspect,
        min_accuracy=min_accuracy,
    )
