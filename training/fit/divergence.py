"""Stops a training that gets worse in place of learning."""

import math
from collections.abc import Sequence
from statistics import fmean

from models_store.specs import TrainSpec
from training.errors import TrainingDiverged
from training.fit.material import Material

_FAR = 2.0
_STEPS = 8  # that are looked at together: the losses of single steps jump


class Watch:
    """Looks at what the answers cost, without what small weights save, which may grow while a net learns."""

    def __init__(self, spec: TrainSpec, material: Material, steps: int) -> None:
        """`steps` are those of an epoch."""
        self._spec, self._material, self._steps = spec, material, steps
        self.losses: list[float] = []  # the first batch's, then each epoch's mean; none where the first is not known

    def look(self, number: int, labels: int, first: float, mean: float) -> None:
        """Is told of an epoch: the `mean` over its steps, and what the `first` step of the first epoch lost. Raises
        TrainingDiverged."""
        if number > 1 and not self.losses:  # goes on from an earlier release's checkpoint
            return
        self.losses += [first, mean] if number == 1 else [mean]
        start, *losses = self.losses
        if grows(losses, start, of_guessing(labels, self._spec, self._material), self._steps):
            raise TrainingDiverged(
                f"The loss grew from {start:.3g} to {losses[-1]:.3g} in epoch {number}: lower train.learning_rate, "
                f"which is {self._spec.learning_rate:g} for {self._spec.optimizer}."
            )


def grows(losses: Sequence[float], start: float, guess: float, steps: int) -> bool:
    """Whether a training gets worse: its last epoch lost more than twice what the first batch lost and guessing loses,
    and the epoch before it lost more than guessing too.

    `losses` are the means of epochs of so many `steps`, of which several count as one where they are short; `start` is
    the first batch's, before anything was learned; `guess` is what answering every label equally loses. Fresh weights
    start at about `guess` and fall; a base that is taught otherwise starts above it and falls; and one loud epoch, as
    at the top of a warm-up, comes after a quiet one.
    """
    together = math.ceil(_STEPS / steps)
    before, last = losses[-2 * together : -together], losses[-together:]
    return len(before) == together and fmean(last) > _FAR * max(guess, start) and fmean(before) > guess


def of_guessing(labels: int, spec: TrainSpec, material: Material) -> float:
    """What answering every label equally loses at most, in the terms of `training.fit.losses`. A teacher's answers cost
    up to four times as much, their softening's square; of repeated rows they come on top."""
    alone = math.log(labels) if spec.loss == "cross_entropy" else (1 - 1 / labels) / labels
    taught = 0.0 if material.distillation is None else material.distillation.weight
    told = 1.0 if material.teacher_of_replay is not None else 1 - taught
    return told * alone + taught * 4 * math.log(labels)
