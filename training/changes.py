"""What a command line says otherwise than a recipe."""

import argparse
import json
from collections.abc import Callable

from models_store import records
from models_store.errors import RecipeRejected
from models_store.recipe import Recipe

Change = tuple[list[str], object]  # the way to a value, and the value


def change(text: str) -> Change:
    """`train.epochs=3` -> (["train", "epochs"], 3). A value that is no JSON is a text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not TABLE.KEY=VALUE")
    try:
        return name.split("."), json.loads(value)
    except ValueError:
        return name.split("."), value


def changes_of(options: argparse.Namespace) -> list[Change]:
    """What the command line says otherwise than a recipe, the last word last."""
    changes = list(options.set)
    changes += [(["seed"], options.seed)] if options.seed is not None else []
    changes += [(["train", "epochs"], options.epochs)] if options.epochs is not None else []
    changes += [(["deterministic"], True)] if options.deterministic else []
    return changes


def changed(table: dict[str, object], changes: list[Change]) -> dict[str, object]:
    """The plain data of a recipe with other values in it; whether they make sense is the recipe's to say."""
    for path, value in changes:
        *tables, key = records.named_now(Recipe, path)
        inner: dict[str, object] = table
        for name in tables:
            if inner.get(name) is None:  # a table that may be missing
                inner[name] = {}
            found = inner[name]
            if not isinstance(found, dict):
                raise RecipeRejected(f"{name} is no table of the recipe: see --set {'.'.join(path)}.")
            inner = found
        inner[key] = value
    return table


def with_changes(
    recipe: Recipe, changes: list[Change], usual: Callable[[str], dict[str, float]]
) -> tuple[Recipe, str | None]:
    """The recipe with the changes, and what is to be told of them.

    A rate is good for one optimizer only: where another one is named and no rate, it brings its own numbers, which
    `usual` gives by its name; what the changes name stays as they say. Raises RecipeRejected.
    """
    made = Recipe.read(changed(records.plain(recipe), changes))
    name, named = made.train.optimizer, _named_of_train(changes)
    if name == recipe.train.optimizer or "learning_rate" in named:
        return made, None
    taken = {key: value for key, value in usual(name).items() if key not in named}
    numbers = ", ".join(f"{key}={value:g}" for key, value in taken.items())
    told = f"{name} takes its own numbers: {numbers}. To take others, add --set train.learning_rate=…"
    return Recipe.read(changed(records.plain(made), [(["train", key], value) for key, value in taken.items()])), told


def _named_of_train(changes: list[Change]) -> set[str]:
    """The keys of the table `train` that are named, one by one or with the whole table."""
    named = {path[1] for path, _ in changes if path[0] == "train" and len(path) > 1}
    return named.union(*(value for path, value in changes if path == ["train"] and isinstance(value, dict)))
