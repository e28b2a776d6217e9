"""Takes versions elsewhere, as ONNX, a state_dict or TorchScript, and weights that were trained elsewhere in.

What goes out is tried on the version's probes first, what comes in on labelled rows.
"""

import dataclasses
import importlib
import importlib.util
import io
import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from torch import Tensor, nn

from models_store import durable
from models_store.files import PROBES, read_probes
from models_store.manifest import Manifest
from models_store.model import PLAIN, Model, agrees, predict_all
from models_store.recipe import Recipe
from models_store.registry import Version
from models_store.specs import FineTuneSpec
from training.data.rows import DataSet, Rows
from training.errors import ExportRejected, ExtraMissing, WeightsRejected
from training.judge.gate import enough
from training.learn import Session, load
from training.publish.assemble import Outcome, assemble
from training.publish.candidates import Servable
from training.publish.release import complete, release
from training.publish.weights import load_strict, read_weights, rebuild
from training.report.progress import Reporter

Format = Literal["onnx", "state_dict", "torchscript"]
_OPSET = 18  # what the exporter writes without a conversion; ONNX Runtime reads it since 1.14 (2023)
_EXTRA = ("onnx", "onnxscript", "onnxruntime")


def export(version: Version, to: Format, path: Path, report: Reporter, *, overwrite: bool = False) -> None:
    """Writes the version as one file that needs nothing of this software, whole or not at all.

    Pictures are float32 [N, C, H, W] in 0..1 with N free, answers are logits; the net of a state_dict takes them
    normalised. Mean, deviation, labels and temperature are in the file's metadata; TorchScript has none.
    Raises ExportRejected, ExtraMissing, VersionCorrupt, RecipeRejected and WeightsRejected.
    """
    _check_target(path, overwrite)
    report.stage(f"exporting {version.ref} as {to}")
    make = _FORMATS[to]
    data, module = make(version)
    pictures, expected = read_probes(version.manifest.read_file(version.folder, PROBES))
    answers = predict_all(Model(module, version.manifest, PLAIN, torch.device("cpu")), pictures)
    if not agrees(answers, expected):
        raise ExportRejected(
            f"As {to}, {version.ref} does not give its own answers to its probes on this machine: nothing was written. "
            "Export it on another machine, or in another format."
        )
    durable.write(path, data)
    report.result(version=version.ref, format=to, file=str(path), bytes=len(data), probes=len(pictures))


def import_weights(path: Path, recipe: Recipe, labels: Sequence[str] | None, session: Session) -> Version | None:
    """Publishes a safetensors file's weights as a version of the recipe's net; the recipe's data judge them.

    `labels` are the net's, in its order, if they are not the data set's. A version that reads less of the test rows
    right than the recipe's `finetune.min_accuracy`, or no more than guessing, is rejected: it is kept to be looked at,
    and never serves by an alias. Of several processes only the leading one publishes; the others return None. Raises
    WeightsRejected, RecipeRejected, BadRef, DataMissing and DataSetRejected; then nothing is published.
    """
    if not session.runtime.world.leads:
        return None
    registry, report = session.registry, session.report
    report.stage(f"reading the data set {recipe.data.source}")
    data = load(recipe, session.data_folder, report)
    data = dataclasses.replace(_with_labels(data, labels or data.labels), source=f"elsewhere; judged by {data.source}")
    with registry.stage(recipe.publish_to) as staged:
        net = read_weights(path, recipe, data.labels)
        draft = assemble(Outcome(net, recipe, data, torch.float32), staged, report)
        how, spec = f"{len(data.test):,} test rows", recipe.finetune or FineTuneSpec()
        decision = enough("weights from elsewhere", draft.judged(), how, spec)
        return release(complete(draft, report, decision), registry, report)


def _with_labels(data: DataSet, labels: Sequence[str]) -> DataSet:
    """The same rows for a net with these labels."""
    index = {label: place for place, label in enumerate(labels)}
    missing = [label for label in data.labels if label not in index]
    if missing or len(index) < len(labels):
        why = f"{', '.join(missing[:5])} of the data set is missing" if missing else "one comes twice"
        raise WeightsRejected(f"These are not the net's labels: {why}. List each once, in the net's order.")
    places = torch.tensor([index[label] for label in data.labels])

    def renumbered(rows: Rows) -> Rows:
        return Rows(rows.pictures, places[rows.labels])

    watching = None if data.validation is None else renumbered(data.validation)
    train, test = renumbered(data.train), renumbered(data.test)
    return dataclasses.replace(data, train=train, test=test, labels=tuple(labels), validation=watching)


def _check_target(path: Path, overwrite: bool) -> None:
    if not path.parent.is_dir():
        raise ExportRejected(f"There is no folder {path.parent}: make it first.")
    if path.is_dir():
        raise ExportRejected(f"{path} is a folder: name a file in it.")
    if path.exists() and not overwrite:
        raise ExportRejected(f"{path} exists already: name another file, or ask for it to be overwritten.")


# Each gives the bytes to write, and a module made of just these bytes: pictures in 0..1 -> logits.


def _torchscript(version: Version) -> tuple[bytes, nn.Module]:
    data = version.manifest.read_file(version.folder, version.manifest.candidates[PLAIN].file)
    return data, torch.jit.load(io.BytesIO(data)).eval()


def _state_dict(version: Version) -> tuple[bytes, nn.Module]:
    net = rebuild(version)
    data = safetensors.torch.save(net.state_dict(), metadata={"format": "pt", **_facts(version.manifest)})
    again = rebuild(version)
    load_strict(again, data)
    return data, Servable(again, version.manifest.input).eval()


def _onnx(version: Version) -> tuple[bytes, nn.Module]:
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise ExtraMissing(f"Exporting to ONNX needs {', '.join(missing)}: pip install 'digitserve[onnx]'.")
    picture = version.manifest.input
    sample = torch.zeros(2, *picture.shape)  # two, as a batch of one would be taken for a constant
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own exporter uses what torch deprecates
            program = torch.onnx.export(
                Servable(rebuild(version), picture).eval(),
                (sample,),
                dynamo=True,
                input_names=["pictures"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("N")},),
                opset_version=_OPSET,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError:
        raise ExportRejected(
            f"torch cannot write the net {version.manifest.net} as ONNX: choose another format."
        ) from None
    assert program is not None
    for part in (*program.model.graph, *program.model.graph.initializers.values()):
        part.metadata_props.clear()  # the exporter's stack traces: paths of this machine
    program.model.metadata_props.update(_facts(version.manifest))
    data = program.model_proto.SerializeToString()
    runtime = importlib.import_module("onnxruntime")
    return data, _OnnxNet(runtime.InferenceSession(data, providers=["CPUExecutionProvider"]))


class _OnnxNet(nn.Module):
    """An ONNX Runtime session that can be asked as the net was."""

    def __init__(self, session: Any) -> None:
        super().__init__()
        self._session = session

    def forward(self, x: Tensor) -> Tensor:
        (logits,) = self._session.run(["logits"], {"pictures": x.numpy()})
        return torch.from_numpy(logits)


def _facts(facts: Manifest) -> dict[str, str]:
    """What a reader of the file needs besides: texts, as both formats hold no other."""
    picture = facts.input
    return {
        "net": facts.net,
        "net_options": json.dumps(dict(facts.recipe.net.options)),
        "labels": json.dumps(facts.labels),
        "mean": json.dumps(picture.mean),
        "std": json.dumps(picture.std),
        "temperature": str(facts.calibration.temperature),
        "digest": facts.digest,
    }


_FORMATS: dict[Format, Callable[[Version], tuple[bytes, nn.Module]]] = {
    "onnx": _onnx,
    "state_dict": _state_dict,
    "torchscript": _torchscript,
}
