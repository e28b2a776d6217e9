"""How much a job has to do: counted by hand, and held against what it may take."""

import dataclasses

import pytest

from app.errors import Unprocessable
from app.jobs.bounds.effort import Effort, pictures_of
from models_store.defaults import recipe_for
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.shipped_version import SHIPPED

BASE = Registry(SHIPPED).resolve(Ref("digits", None, 2))


def recipe(epochs: int, batch_size: int = 16, replay_rows: int = 16) -> Recipe:
    usual = recipe_for(BASE, "file-1", None)
    assert usual.finetune is not None
    train = dataclasses.replace(usual.train, epochs=epochs, batch_size=batch_size)
    return dataclasses.replace(
        usual, train=train, finetune=dataclasses.replace(usual.finetune, replay_rows=replay_rows)
    )


@pytest.mark.parametrize(
    ("made", "learned", "apart", "pictures"),
    [
        (recipe(10), 1600, False, 10 * (1600 + 100 * 16)),  # a hundred batches with sixteen reminders each
        (recipe(1, replay_rows=0), 1601, False, 1601),
        (recipe(10), 20, True, 10 * (96 + 6 * 16)),  # repeated up to 96
        (recipe(10), 20, False, 10 * (96 + 6 * 16) + 50 * (16 + 16)),  # and five folds of 16
        (recipe(1000, 2, 1024), 20, False, 1000 * (96 + 48 * 1024) + 5000 * (16 + 8 * 1024)),
    ],
)
def test_every_picture_of_every_batch_counts(made: Recipe, learned: int, apart: bool, pictures: int) -> None:
    assert pictures_of(made, learned, judged_apart=apart) == pictures


def test_what_a_training_said_of_its_steps() -> None:
    """20 pictures, 5 epochs: 7 steps an epoch of the training and one of each fold, as it told (n = 1)."""
    steps = 5 * (6 + 5 * 1)
    assert pictures_of(recipe(5), 20, judged_apart=False) == pytest.approx(steps * 32, rel=0.05)


def test_a_job_that_fits_one_that_may_not_and_one_that_never_will() -> None:
    effort = Effort(lambda: 100.0, max_hours=2)
    assert effort.check(100 * 3600 * 2) is None
    warning = effort.check(100 * 3600 * 3)
    assert warning is not None and "about 3.0 hours" in warning and "after 2 a job is ended" in warning
    with pytest.raises(
        Unprocessable, match=r"about 21\.0 hours here, and a job may take 2\. Take fewer n_epochs"
    ) as no:
        effort.check(100 * 3600 * 21)
    assert no.value.code == "job_too_long"
    assert Effort(lambda: 1e6, max_hours=2).check(100 * 3600 * 21) is None  # another machine
