import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray

from models_store.errors import VersionCorrupt
from models_store.manifest import Calibration
from models_store.model import Model
from models_store.refs import Ref
from models_store.registry import Registry, Version
from tests.conftest import republished
from training.convert import Format, export
from training.errors import ExportRejected, ExtraMissing
from training.nets.fast import Fast
from training.report.progress import Silent
from training.synthetic import strokes

OTHERS = strokes.units(per_digit=3, seed=9)  # not the probes
FORMATS: tuple[Format, ...] = ("onnx", "state_dict", "torchscript")


@pytest.fixture
def version(registry: Registry) -> Version:
    return registry.resolve(Ref("digits"))


def probabilities(logits: NDArray[np.float32], version: Version) -> NDArray[np.float64]:
    cooled = logits.astype(np.float64) / version.manifest.calibration.temperature
    powers = np.exp(cooled - cooled.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def served(version: Version) -> NDArray[np.float32]:
    return Model.load(version.folder, version.manifest).predict(OTHERS)


def test_onnx_answers_as_the_version_in_batches_of_any_size(version: Version, tmp_path: Path) -> None:
    onnxruntime = importlib.import_module("onnxruntime")  # of the extra `dev`: missing, it is a failure and no skip
    path = tmp_path / "digits.onnx"
    export(version, "onnx", path, Silent())
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (given,), (made,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape) == ("pictures", "tensor(float)", ["N", 1, 28, 28])
    assert (made.name, made.shape) == ("logits", ["N", 10])
    pictures = OTHERS.astype(np.float32) / 255
    for size in (1, 2, 7, 30):
        (logits,) = session.run(["logits"], {"pictures": pictures[:size]})
        assert np.abs(probabilities(logits, version) - served(version)[:size]).max() < 1e-3
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["labels"]) == list(version.manifest.labels)
    assert float(facts["temperature"]) == version.manifest.calibration.temperature
    assert b".py" not in path.read_bytes()  # torch's exporter notes the paths of this machine in every node


def test_a_state_dict_fits_the_plain_net(version: Version, tmp_path: Path) -> None:
    path = tmp_path / "digits.safetensors"
    export(version, "state_dict", path, Silent())
    net = Fast(1, 10).eval()
    net.load_state_dict(safetensors.torch.load_file(path))
    with safetensors.safe_open(path, "pt") as file:
        facts = file.metadata()
    mean, std = json.loads(facts["mean"])[0], json.loads(facts["std"])[0]
    with torch.inference_mode():
        logits = net((torch.from_numpy(OTHERS) / 255 - mean) / std).numpy()
    assert np.abs(probabilities(logits, version) - served(version)).max() < 1e-3
    assert facts["net"] == "fast" and json.loads(facts["labels"])[9] == "9"


def test_torchscript_needs_nothing_else(version: Version, tmp_path: Path) -> None:
    path = tmp_path / "digits.pt"
    export(version, "torchscript", path, Silent())
    with torch.inference_mode():
        logits = torch.jit.load(path)(torch.from_numpy(OTHERS) / 255).numpy()
    assert np.abs(probabilities(logits, version) - served(version)).max() < 1e-3


def test_a_file_is_replaced_only_where_asked(version: Version, tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    path.write_text("precious")
    with pytest.raises(ExportRejected, match="exists already"):
        export(version, "torchscript", path, Silent())
    assert path.read_text() == "precious"
    export(version, "torchscript", path, Silent(), overwrite=True)
    assert path.read_bytes() == (version.folder / "model.pt").read_bytes()
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["mine.pt"]


@pytest.mark.parametrize(("name", "sentence"), [("nowhere/a.pt", "There is no folder"), ("store", "is a folder")])
def test_a_path_that_cannot_be_written_is_one_sentence(
    version: Version, tmp_path: Path, name: str, sentence: str
) -> None:
    with pytest.raises(ExportRejected, match=sentence):
        export(version, "torchscript", tmp_path / name, Silent(), overwrite=True)


@pytest.mark.parametrize("to", FORMATS[1:])
def test_what_answers_otherwise_is_not_written(registry: Registry, tmp_path: Path, to: Format) -> None:
    hotter = republished(registry, calibration=Calibration(temperature=9.0))  # its probes were answered at another one
    with pytest.raises(ExportRejected, match=f"As {to}, digits@2 does not give its own answers"):
        export(hotter, to, tmp_path / "file", Silent())
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize(("to", "file"), [("torchscript", "model.pt"), ("state_dict", "weights.safetensors")])
def test_a_damaged_version_goes_nowhere(version: Version, tmp_path: Path, to: Format, file: str) -> None:
    data = bytearray((version.folder / file).read_bytes())
    data[-9] ^= 4
    (version.folder / file).write_bytes(data)
    with pytest.raises(VersionCorrupt, match=file):
        export(version, to, tmp_path / "file", Silent())
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize("missing", ["onnx", "onnxscript", "onnxruntime"])
def test_without_the_extra_a_sentence_names_it(
    version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)  # as where it is not installed
    with pytest.raises(ExtraMissing, match=rf"{missing}.*pip install 'digitserve\[onnx\]'"):
        export(version, "onnx", tmp_path / "file", Silent())
    assert not (tmp_path / "file").exists()
