"""How much a job has to do, and how long that takes, before anything was trained."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from app.errors import Unprocessable
from models_store.recipe import Recipe

# How `training.finetune.tuning` judges: under 50 new pictures, five nets learn from four fifths each before the last.
_FEW, _FOLDS = 50, 5
PACE = 500.0  # pictures a second, of a CPU that also serves; one core alone does 1,300 to 1,900 (n = 2)
_ABSURD = 10  # times what one may take: no other estimate would let it through


@dataclass(frozen=True)
class Effort:
    """What one job may take, held against what it asks for."""

    pace: Callable[[], float]  # pictures a second, as jobs before it were trained here
    max_hours: float

    def check(self, pictures: float) -> str | None:
        """A warning where a job that shows its net so many pictures may not come to its end; None where it will.

        Raises Unprocessable (`job_too_long`), DatabaseUnavailable.
        """
        hours = pictures / self.pace() / 3600
        if hours <= self.max_hours:
            return None
        long = f"{pictures:,.0f} pictures over all epochs take about {hours:,.1f} hours here"
        if hours > _ABSURD * self.max_hours:
            raise Unprocessable(
                "job_too_long",
                f"{long}, and a job may take {self.max_hours:g}. Take fewer n_epochs, less replay or fewer pictures.",
                "hyperparameters",
            )
        return f"{long}, and after {self.max_hours:g} a job is ended without a result. Fewer n_epochs are safer."


def pictures_of(recipe: Recipe, learned: int, *, judged_apart: bool) -> float:
    """How many pictures the nets of a job are shown: `learned` new ones in each epoch, and the reminders that join
    every batch. `judged_apart`: other pictures judge than a part of these.
    """
    train, task = recipe.train, recipe.finetune
    assert task is not None, "a job fine-tunes"

    def shown(rows: int) -> float:
        return rows + math.ceil(rows / train.batch_size) * task.replay_rows

    nets = shown(max(learned, task.epoch_rows))
    if learned < _FEW and not judged_apart:
        nets += _FOLDS * shown(max(1, learned - learned // _FOLDS))
    return float(train.epochs * nets)
