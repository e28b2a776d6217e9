import json
from pathlib import Path
from typing import Any

import pytest

from models_store import records
from models_store.defaults import recipe_for
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry
from tests.support.lessons import mnist_files, sign_files, stripes
from training.__main__ import main
from training.commands import RECIPES, finetune_recipe, parser, shipped_recipes

WORDS = ("train", "crossval", "finetune", "compress", "search", "evaluate", "compare", "export", "import", "examples")


def recipe(name: str) -> dict[str, Any]:
    return records.plain(Recipe.from_toml((RECIPES / f"{name}.toml").read_text()))


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
        ["finetune", "--job", "x", "--test", "y"], ["finetune", "--job", "x", "--validation", "y"],
        ["finetune", "--job", "x", "--trust"],
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


def test_other_files_judge_what_train_makes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sign_files(tmp_path / "photos" / "train", per_sign=6)
    sign_files(tmp_path / "photos" / "val", per_sign=2, seed=40)
    others = sign_files(tmp_path / "others", per_sign=3, seed=50)
    store = tmp_path / "own"
    told = ["--data", str(tmp_path / "photos"), "--test", str(others), "--store", str(store), "--publish-to", "signs"]
    assert main(["train", "mlp", *told, "--epochs", "1", "--held-out", "0", "--threads", "1", "--json"]) == 0
    made = Registry(store).resolve(Ref("signs", None, 1)).manifest
    assert (made.data.train_rows, made.data.test_rows) == (18, 9)
    assert (made.recipe.data.path, made.recipe.data.test) == ("photos", "others")
    heard = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    epochs = [line for line in heard if line["event"] == "epoch"]
    assert epochs and all(line["validation_accuracy"] is not None for line in epochs)
    assert any("Parts: train 18, validation 6" in line.get("text", "") for line in heard)


def test_parts_go_with_files_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "lite", "--test", str(tmp_path), "--store", str(tmp_path / "own")]) == 2
    assert 'go with data.source = "files" only' in capsys.readouterr().err


def test_who_has_looked_says_so_and_all_is_learned(tmp_path: Path, registry: Registry) -> None:
    base, options = registry.resolve(Ref("digits")), parser(dict.fromkeys(WORDS, print), tmp_path, tmp_path)
    for more, inspects in (([], True), (["--trust"], False)):
        asked = options.parse_args(["finetune", "digits", "--data", "x", *more])
        spec = finetune_recipe(recipe_for(base, "x", None), asked).finetune
        assert spec is not None and spec.inspect is inspects
