"""python -m training as people start it, on the digits that come with scikit-learn."""

import json
from pathlib import Path

import pytest

from models_store.model import load_fastest, predict_all
from models_store.refs import Ref
from models_store.registry import Registry
from tests.conftest import ROOT
from tests.system.harness import NOWHERE, Told, Typed, ended, training
from training.data import sources
from training.data.rows import as_numpy


def run(*arguments: str) -> Told:
    return ended(training(*arguments, DIGITSERVE_DATA_DIR=NOWHERE))


def test_a_recipe_becomes_a_version_that_serves(tmp_path: Path) -> None:
    done = run("train", "bundled", "--epochs", "4")
    assert done.code == 0, done.error
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [event["number"] for event in events if event["event"] == "epoch"] == [1, 2, 3, 4] * 2
    result = events[-1]
    assert (result["event"], result["version"], result["champion"]) == ("result", "digits-bundled@1", True)

    version = Registry(tmp_path / "store").verify(Ref("digits-bundled"))
    rows = sources.bundled()
    pixels, truth = as_numpy(rows.test)
    model = load_fastest(version.folder, version.manifest)
    assert (predict_all(model, pixels).argmax(1) == truth).mean() >= 0.95
    assert version.manifest.data.sha256 == rows.digest()
    assert version.manifest.recipe.train.epochs == 4
    report = json.loads((version.folder / "report" / "metrics.json").read_text())
    assert report["rows"] == 360 and sum(map(sum, report["confusion"])) == 360
    assert {path.name for path in (version.folder / "report").iterdir()} == {
        "metrics.json",
        "confusion.png",
        "curves.png",
        "reliability.png",
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "nope"], "There is no recipe nope"),
        (["train", "bundled", "--epochs", "0"], "train.epochs must be"),
        (["train", "fast"], "MNIST is not in"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert sentence in Typed(capsys)(*arguments).sentence
    store = tmp_path / "store"
    assert not store.exists() or not list(store.rglob(".staging-*"))


def test_an_unknown_key_in_a_recipe_is_named(tmp_path: Path) -> None:
    """In a process of its own, which says no more than that."""
    recipe = (ROOT / "training" / "recipes" / "bundled.toml").read_text().replace("batch_size", "batch_sise")
    path = tmp_path / "mine.toml"
    path.write_text(recipe)
    done = run("train", str(path))
    assert "Unknown key train.batch_sise" in done.sentence


def test_it_reads_its_own_variables_alone_and_as_they_are_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DIGITSERVE_PORT", "DIGITSERVE_WORKERS", "DIGITSERVE_DATABASE_URL", "DIGITSERVE_LOG_LEVEL"):
        monkeypatch.setenv(name, "tcp://10.96.0.17:8000")
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("DIGITSERVE_STORE_DIR", f'"{tmp_path}/a%20b?"')  # as a list of Compose leaves it
    done = Typed(capsys)("export", "digits", tmp_path / "weights.pt", "--to", "torchscript")
    assert done.code == 0, done.error
    assert Registry(tmp_path / "a%20b?").aliases("digits") == {"champion": 1}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGITSERVE_STORE_DIR", "beside")
    assert "no version 9" in Typed(capsys)("evaluate", "digits@9").sentence
    assert (tmp_path / "beside" / "digits").is_dir()


def test_what_torchrun_would_not_set_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {"RANK": "first", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, text)
    assert "RANK='first'" in Typed(capsys)("train", "bundled").sentence
