"""Every optimizer has its own numbers, and with them each learns."""

import dataclasses
import typing

import pytest

from models_store.defaults import USUAL, from_fresh_weights
from models_store.specs import TrainSpec
from tests.support.lessons import SPEC, accuracy, stripes, trained

OPTIMIZERS = typing.get_args(typing.get_type_hints(TrainSpec)["optimizer"])


def test_every_optimizer_of_a_recipe_has_its_numbers() -> None:
    assert set(USUAL) == set(OPTIMIZERS)
    assert from_fresh_weights("sgd") == {"learning_rate": 0.05, "weight_decay": 5e-4, "momentum": 0.9}
    assert from_fresh_weights("adam") == {"learning_rate": 2e-3, "weight_decay": 0.0}
    assert from_fresh_weights("rmsprop")["momentum"] == 0


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_each_learns_with_its_own_numbers(optimizer: str) -> None:
    spec = dataclasses.replace(SPEC, optimizer=optimizer, **from_fresh_weights(optimizer))  # type: ignore[arg-type]
    net, epochs = trained(stripes(240), spec, name="lite")
    assert accuracy(net, stripes(99, seed=5)) > 0.95
    assert epochs[-1].loss < epochs[0].loss
