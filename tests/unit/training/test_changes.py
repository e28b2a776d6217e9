"""What is typed otherwise than a recipe says, and the numbers that another optimizer brings."""

import argparse
import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_store import records
from models_store.defaults import from_fresh_weights
from models_store.errors import RecipeRejected
from models_store.recipe import Recipe
from training.changes import change, changed, with_changes
from training.commands import RECIPES, shipped_recipes


def recipe(name: str) -> dict[str, Any]:
    return records.plain(Recipe.from_toml((RECIPES / f"{name}.toml").read_text()))


def leaves(table: dict[str, Any], *path: str) -> list[tuple[list[str], object]]:
    """Every value of a recipe with the way to it."""
    found: list[tuple[list[str], object]] = []
    for key, value in table.items():
        found += leaves(value, *path, key) if isinstance(value, dict) else [([*path, key], value)]
    return found


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("train.epochs=3", ["train", "epochs"], 3),
        ("train.learning_rate=1e-3", ["train", "learning_rate"], 0.001),
        ("seed=7", ["seed"], 7),
        ("deterministic=true", ["deterministic"], True),
        ("publish_to=mine", ["publish_to"], "mine"),
        ('publish_to="mine"', ["publish_to"], "mine"),
        ("input.mean=[0.5, 0.4, 0.3]", ["input", "mean"], [0.5, 0.4, 0.3]),
        ("net.options.width=0.5", ["net", "options", "width"], 0.5),
        ("data.path=a=b.zip", ["data", "path"], "a=b.zip"),
        ("data.path=", ["data", "path"], ""),
        ("train.optimizer=adam w", ["train", "optimizer"], "adam w"),
        ("finetune=null", ["finetune"], None),
    ],
)
def test_a_change_is_a_path_and_json_or_else_a_text(text: str, path: list[str], value: object) -> None:
    assert change(text) == (path, value)
    assert type(change(text)[1]) is type(value)


@pytest.mark.parametrize("text", ["", "train.epochs", "=3"])
def test_what_is_no_change_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"is not TABLE\.KEY=VALUE"):
        change(text)


@settings(deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_any_json_value_arrives_as_it_was(value: object) -> None:
    assert change(f"a.b={json.dumps(value)}") == (["a", "b"], value)


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_value_of_every_recipe_can_be_changed_and_nothing_else_changes_with_it(name: str) -> None:
    whole = recipe(name)
    for path, value in leaves(whole):
        assert changed(copy.deepcopy(whole), [(path, value)]) == whole
        other = changed(copy.deepcopy(whole), [(path, "something else")])
        differing = [here for (here, old), (_, new) in zip(leaves(whole), leaves(other), strict=True) if old != new]
        assert differing == [path]


def test_the_last_change_of_a_key_holds_and_tables_are_made_where_missing() -> None:
    table = changed({"train": {"epochs": 1}}, [change("train.epochs=2"), change("train.epochs=3"), change("a.b.c=4")])
    assert table == {"train": {"epochs": 3}, "a": {"b": {"c": 4}}}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("trian.epochs=3", "Unknown key trian"),
        ("train.epoch=3", r"Unknown key train\.epoch\."),
        ("train.epochs=three", r"train\.epochs must be a whole number"),
        ("train.epochs=0", r"train\.epochs must be 1 to 10000"),
        ("train.learning_rate=NaN", r"train\.learning_rate must be a finite number"),
        ("seed.x=3", "seed is no table of the recipe"),
        ("train.epochs.x=3", "epochs is no table of the recipe"),
        ("train=3", "train must be a table"),
        ("augment.mirror=true", "a mirrored digit is another digit or none"),
    ],
)
def test_a_change_that_makes_no_sense_is_named(text: str, sentence: str) -> None:
    with pytest.raises(RecipeRejected, match=sentence):
        Recipe.read(changed(recipe("bundled"), [change(text)]))


def typed(name: str, *texts: str) -> tuple[Recipe, str | None]:
    return with_changes(Recipe.read(recipe(name)), [change(text) for text in texts], from_fresh_weights)


def test_another_optimizer_brings_its_own_numbers_and_says_so() -> None:
    made, told = typed("fast", "train.optimizer=rmsprop")
    own = Recipe.read(recipe("fast")).train
    assert (own.optimizer, own.learning_rate, own.momentum, own.weight_decay) == ("sgd", 0.15, 0.9, 5e-4)
    assert (made.train.learning_rate, made.train.momentum, made.train.weight_decay) == (1e-3, 0, 0)
    assert told is not None and told.startswith("rmsprop takes its own numbers: learning_rate=0.001, ")
    assert (made.train.epochs, made.train.label_smoothing) == (own.epochs, own.label_smoothing)
    back, _ = typed("mlp", "train.optimizer=sgd")  # the recipe's is adam
    assert (back.train.learning_rate, back.train.momentum) == (0.05, 0.9)


@pytest.mark.parametrize(
    ("texts", "rate", "decay"),
    [
        (["train.optimizer=adam", "train.learning_rate=0.15"], 0.15, 5e-4),  # as it is typed, also the recipe's own
        (["train.learning_rate=0.3", "train.optimizer=adam"], 0.3, 5e-4),
        (["train.optimizer=adam", "train.weight_decay=0.25"], 2e-3, 0.25),
        (["train.optimizer=adam", "train.optimizer=sgd"], 0.15, 5e-4),  # the last word is the recipe's own
        (["train.optimizer=sgd"], 0.15, 5e-4),
        (["train.epochs=2"], 0.15, 5e-4),
        (['train={"epochs": 1, "batch_size": 8, "learning_rate": 0.4, "optimizer": "adam"}'], 0.4, 0.0),
    ],
)
def test_what_is_typed_wins(texts: list[str], rate: float, decay: float) -> None:
    made, told = typed("fast", *texts)
    assert (made.train.learning_rate, made.train.weight_decay) == (rate, decay)
    assert (told is None) == (rate != 2e-3)


def test_an_optimizer_that_there_is_not_is_named() -> None:
    with pytest.raises(RecipeRejected, match=r"train\.optimizer must be one of 'sgd', 'adam'"):
        typed("fast", "train.optimizer=adamax")
