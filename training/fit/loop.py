"""The training loop, read top to bottom. It knows tensors and numbers: no stores, no data set, no way to publish."""

import time

import torch
from torch import nn

from models_store.recipe import Recipe
from training.fit import checkpoint, precision
from training.fit.batches import Batches
from training.fit.learner import Fitted, Learner
from training.fit.material import Material
from training.fit.measure import measure
from training.fit.profiler import profiled
from training.fit.runtime import Runtime


def fit(net: nn.Module, material: Material, recipe: Recipe, runtime: Runtime = Runtime()) -> Fitted:
    """Trains `net` in place on all rows, by the recipe's tables `train`, `augment` and `input`.

    Raises TrainingDiverged, and CheckpointRejected where `runtime.checkpoint` is damaged or another recipe's.
    """
    batches = Batches(material, recipe, runtime)
    learner = Learner(net, material, recipe, runtime, len(batches))
    saved = runtime.world.told_bytes(
        checkpoint.read(runtime.checkpoint) if runtime.world.leads else None, runtime.device
    )
    if saved is not None:
        learner.go_on_from(checkpoint.load(saved, runtime.device))

    with precision.deterministic(recipe.deterministic), profiled(runtime.profile) as profile_step:
        while not learner.done:
            number, began, rate = len(learner.history) + 1, time.perf_counter(), 0.0
            module = learner.begin_epoch(number)
            for done, batch in enumerate(batches.of_epoch(number), start=1):
                rate = learner.step(module, batch)
                profile_step()
                runtime.on_step(number, done, len(batches))
            validated = _validated(learner.average, material, recipe, runtime)
            learner.end_epoch(rate, time.perf_counter() - began, validated)
            if runtime.checkpoint is not None and runtime.world.leads:
                checkpoint.save(runtime.checkpoint, learner.state())
            runtime.on_epoch(learner.history[-1])
    return learner.finished()


def _validated(net: nn.Module, material: Material, recipe: Recipe, runtime: Runtime) -> tuple[float, float] | None:
    """Loss and accuracy on the validation rows, where there are some: the leader's numbers for all processes, because
    they must stop in the same epoch."""
    if material.validation is None:
        return None
    found = torch.tensor(measure(net, material.validation, recipe, runtime.device), device=runtime.device)
    loss, accuracy = runtime.world.told(found).tolist()
    return loss, accuracy
