"""Versions that go out and come back, are compared, made smaller and searched for: what each leaves is used."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from PIL import Image
from scipy.stats import binomtest

from models_store.model import Model
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry
from tests.system.harness import Typed, published
from training.__main__ import main
from training.synthetic import strokes


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped version, and one that is worse: two epochs on scikit-learn's digits."""
    store = tmp_path_factory.mktemp("store")
    line = ["train", "bundled", "--epochs", "2", "--held-out", "0", "--threads", "1", "--store", str(store)]
    assert main(line) == 0
    return store


@pytest.fixture
def typed(store: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    return Typed(capsys, "--store", store)


def weights(store: Path, ref: str) -> dict[str, np.ndarray]:
    version = published(store, ref)
    return safetensors.numpy.load_file(version.folder / "weights.safetensors")


@pytest.mark.parametrize("kind", ["onnx", "torchscript"])
def test_a_file_is_replaced_only_when_asked_for(typed: Typed, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "out"
    path.write_text("something of mine")
    line = ["export", "digits", path, "--to", kind]
    assert typed(*line).sentence == f"{path} exists already: name another file, or ask for it to be overwritten."
    assert path.read_text() == "something of mine"
    assert typed(*line, "--overwrite").result["bytes"] == path.stat().st_size > 500_000  # 164,914 numbers of 4 bytes
    assert [found.name for found in tmp_path.iterdir()] == ["out"]


def test_a_state_dict_comes_back_with_the_same_answers(typed: Typed, store: Path, tmp_path: Path) -> None:
    path = tmp_path / "digits.safetensors"
    assert typed("export", "digits", path, "--to", "state_dict").code == 0
    assert typed("import", "bundled", path, "--publish-to", "returned").result["version"] == "returned@1"
    left, right = (published(store, ref) for ref in ("digits", "returned"))
    pictures = strokes.units(per_digit=8, seed=99)
    answers = [Model.load(it.folder, it.manifest).predict(pictures) for it in (left, right)]
    sharper = answers[1] ** (1 / left.manifest.calibration.temperature)  # it comes back without its temperature
    assert np.allclose(answers[0], sharper / sharper.sum(1, keepdims=True), atol=1e-5)
    verdict = typed("compare", "digits", "returned", "--data", "bundled").result["verdict"]
    assert verdict.startswith("Both read the same of these 360 rows right.")
    assert "Not all that returned@1 learned from is known here" in verdict  # it came from elsewhere


def test_compare_says_whether_they_differ_at_all(typed: Typed) -> None:
    found = typed("compare", "digits@1", "digits-bundled@1", "--data", "bundled").result
    ours, theirs = found["only_left"], found["only_right"]
    assert found["rows"] == 360
    assert ours - theirs == round(360 * (found["left"]["accuracy"] - found["right"]["accuracy"]))
    p = binomtest(ours, ours + theirs).pvalue
    assert found["p"] == pytest.approx(p)
    assert f"(McNemar's exact test, p = {p:.2g})." in found["verdict"]
    better = "digits@1" if ours > theirs else "digits-bundled@1"
    expected = f"{better} is better by more than chance explains" if p < 0.05 else "No difference that 360 rows could"
    assert found["verdict"].startswith(expected)


def test_the_worst_mistakes_are_drawn(typed: Typed, tmp_path: Path) -> None:
    path = tmp_path / "mistakes.png"
    assert typed("evaluate", "digits-bundled", "--mistakes", path).result["wrong"] > 0
    with Image.open(path) as sheet:
        assert (sheet.format, sheet.size[0]) == ("PNG", 1080)


@pytest.mark.parametrize("way", ["prune", "int8", "distil"])
def test_a_smaller_version_names_its_parent(typed: Typed, store: Path, way: str) -> None:
    more = ["--student", "cnn-small"] if way == "distil" else []
    told = typed("compress", way, "digits-bundled@1", "--epochs", "1", *more)
    manifest = published(store, told.result["version"]).manifest
    assert manifest.parent == "digits-bundled@1"
    assert manifest.gate.split(":")[0] == ("accepted" if manifest.accepted else "rejected")
    found = [tensor for tensor in weights(store, told.result["version"]).values() if tensor.ndim > 1]
    if way == "prune":
        zeros = sum(int((tensor == 0).sum()) for tensor in found)
        assert zeros / sum(tensor.size for tensor in found) == pytest.approx(0.5, abs=0.01)
    elif way == "int8":
        assert all(len(np.unique(row)) <= 256 for tensor in found for row in tensor.reshape(len(tensor), -1))
    else:
        assert (manifest.net, told.result["version"]) == ("cnn-small", "digits-cnn-small@1")
    (table,) = (event for event in told.events if event["event"] == "table")
    assert table["columns"] == ["", "digits-bundled@1", "compressed"]


def test_what_a_search_found_can_be_trained(typed: Typed, store: Path, tmp_path: Path) -> None:
    best, board, trace = tmp_path / "best.toml", tmp_path / "board", tmp_path / "new" / "trace.json"
    found = typed("search", "bundled", "--trials", "2", "--epochs", "1", "--publish-to", "found", "--out", best)
    assert 0 <= found.result["best"] <= 1
    told = typed("train", best, "--held-out", "0", "--tensorboard", board, "--profile", trace)
    assert told.result["version"] == "found@1"
    made = published(store, "found").manifest.recipe
    assert made.train == Recipe.from_toml(best.read_text()).train
    assert made.train.learning_rate != pytest.approx(0.1)  # what the recipe says
    assert [path.name.split(".")[1] for path in (board / "training").iterdir()] == ["out"]
    assert any(event.get("name") == "aten::conv2d" for event in json.loads(trace.read_text())["traceEvents"])
    assert Registry(store).resolve(Ref("found")).number == 1
