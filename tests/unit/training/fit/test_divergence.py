"""Which losses stop a training, and which belong to one that learns."""

import dataclasses
import math

import pytest
import torch
from torch import Tensor

from models_store.recipe import Recipe
from models_store.specs import TrainSpec
from tests.support.lessons import PICTURE, SPEC, recipe_of, stripes
from training.errors import TrainingDiverged
from training.fit.divergence import Watch, grows, of_guessing
from training.fit.loop import fit
from training.fit.material import Distillation, Material, Replay
from training.nets.catalog import build

GUESS = math.log(10)
ROWS = stripes(240)


@pytest.mark.parametrize(
    ("losses", "start", "steps", "stops"),
    [
        ([13.6, 25.6], 2.3, 469, True),  # rmsprop at SGD's rate
        ([4.31, 5.93], 2.3, 94, True),
        ([4.4e6, 181.0], 2.3, 94, True),  # less than before, and still far above where it started
        ([0.3, 4.0, 9.0], 2.3, 94, True),  # a training that was good once
        ([25.6], 2.3, 469, False),  # the judge sees what one epoch came to
        ([2.3, 2.2, 2.1], 2.3, 94, False),
        ([2.31, 2.32, 2.33], 2.3, 94, False),  # learns nothing, and breaks nothing
        ([0.3, 9.0, 0.4, 9.0, 0.2], 2.3, 94, False),  # single loud epochs
        ([11.0, 6.0], 12.0, 94, False),  # a base that is taught otherwise
        ([3.0, 9.0], 2.3, 2, False),  # two steps each
        ([3.0] * 4 + [9.0] * 4, 2.3, 2, True),
        ([3.0] * 7 + [9.0], 2.3, 2, False),
    ],
)
def test_the_table_of_losses(losses: list[float], start: float, steps: int, stops: bool) -> None:
    assert grows(losses, start, GUESS, steps) is stops


def answers(pictures: Tensor) -> Tensor:
    return torch.zeros(len(pictures), 3)


@pytest.mark.parametrize(
    ("material", "loss", "guess"),
    [
        (Material(ROWS), "cross_entropy", math.log(10)),
        (Material(ROWS), "mse", 0.09),
        (Material(ROWS, distillation=Distillation(answers, 0.5)), "cross_entropy", 2.5 * math.log(10)),
        (Material(ROWS, distillation=Distillation(answers, 1.0)), "cross_entropy", 4 * math.log(10)),
        (Material(ROWS, replay=Replay(ROWS, 4)), "cross_entropy", math.log(10)),
        (Material(ROWS, None, Replay(ROWS, 4), Distillation(answers, 1.0)), "mse", 0.09 + 4 * math.log(10)),
    ],
)  # fmt: skip
def test_what_guessing_loses(material: Material, loss: str, guess: float) -> None:
    spec = dataclasses.replace(SPEC, loss=loss)  # type: ignore[arg-type]
    assert of_guessing(10, spec, material) == pytest.approx(guess)


def test_a_checkpoint_of_an_earlier_release_does_not_know_where_it_started() -> None:
    watch = Watch(SPEC, Material(ROWS), steps=94)
    for number in (2, 3):
        watch.look(number, 10, 0.0, 100.0 * number)
    assert watch.losses == []


def tried(recipe: Recipe) -> tuple[float, ...]:
    torch.manual_seed(0)
    return tuple(epoch.loss for epoch in fit(build(recipe.net, PICTURE, 3), Material(ROWS), recipe).epochs)


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_a_rate_that_is_far_too_high_stops_with_what_to_change(name: str) -> None:
    spec = dataclasses.replace(SPEC, optimizer="rmsprop", learning_rate=1.5, schedule="constant", epochs=4)
    with pytest.raises(
        TrainingDiverged,
        match=r"The loss grew from 1\.\d+ to \S+ in epoch \d: lower train\.learning_rate, which is 1\.5 for rmsprop\.",
    ):
        tried(recipe_of(spec, name))


@pytest.mark.parametrize(
    "changes",
    [
        {"label_smoothing": 0.5},
        {"l1": 0.01},  # which costs tens more than the answers, and more and more while the weights grow
        {"loss": "mse"},
        {"schedule": "constant", "batch_size": 240},
        {"warmup": 0.9, "learning_rate": 0.15},
    ],
)
def test_what_learns_is_not_stopped(changes: dict[str, object]) -> None:
    spec: TrainSpec = dataclasses.replace(SPEC, epochs=6, **changes)  # type: ignore[arg-type]
    assert len(tried(recipe_of(spec))) == 6


def test_labels_without_a_rule_are_learned_to_the_end() -> None:
    shuffled = dataclasses.replace(ROWS, labels=ROWS.labels[torch.randperm(240)])
    recipe = recipe_of(dataclasses.replace(SPEC, epochs=5))
    assert len(fit(build(recipe.net, PICTURE, 3), Material(shuffled), recipe).epochs) == 5
