import argparse
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_store import records
from models_store.errors import RecipeRejected
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry
from tests.support.lessons import mnist_files, stripes
from training.__main__ import main
from training.commands import RECIPES, change, changed, shipped_recipes

WORDS = ("train", "crossval", "finetune", "compress", "search", "evaluate", "compare", "export", "import", "examples")


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


def test_help_names_every_command_and_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    def said(*arguments: str) -> str:
        with pytest.raises(SystemExit) as end:
            main([*arguments, "--help"])
        assert end.value.code == 0
        return capsys.readouterr().out

    listed = [line.split()[0] for line in said().splitlines() if line.startswith("    ") and line[4] != " "]
    assert tuple(listed) == WORDS
    for word in WORDS:
        assert f"python -m training {word}" in said(word)
    unbroken = "".join(said("train").split())  # argparse breaks lines at hyphens
    assert all(name in unbroken for name in shipped_recipes())


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["fly"], ["train"], ["train", "lite", "--set", "epochs"], ["train", "lite", "--threads", "0"],
        ["search", "lite", "--trials", "-1"], ["compress", "shrink", "digits"], ["finetune", "digits"],
        ["finetune", "digits", "--data", "x", "--unfreeze", "tail"], ["export", "digits", "x"],
        ["finetune", "--data", "x"], ["finetune"], ["finetune", "digits", "--job", "x"],
        ["finetune", "--job", "x", "--data", "y"], ["finetune", "--job", "x", "--epochs", "3"],
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_a_usage_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "usage: python -m training" in capsys.readouterr().err


def test_options_win_over_set_and_set_over_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITSERVE_DATA_DIR", str(mnist_files(tmp_path / "data", stripes(60), stripes(30, seed=5))))
    told = (
        "--set train.epochs=9 --set seed=5 --set publish_to=no --set net.options.hidden=8 --set calibration.held_out=3"
    )
    options = "--epochs 1 --seed 6 --publish-to mine --held-out 0 --data mnist --threads 1 --json"
    assert main(["train", "mlp", "--store", str(tmp_path / "own"), *told.split(), *options.split()]) == 0
    store = Registry(tmp_path / "own")
    assert store.models() == ["digits", "mine"]
    made = store.resolve(Ref("mine")).manifest.recipe
    wanted = recipe("mlp") | {"seed": 6, "publish_to": "mine"}
    wanted["train"]["epochs"], wanted["net"]["options"] = 1, {"hidden": 8}
    assert made == Recipe.read(wanted)
