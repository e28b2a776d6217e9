"""What the protocol says of this server and of a version: metadata, and Triton's model configuration."""

import json
from collections.abc import Sequence
from typing import Any

from app.inference.loaded import MAX_BATCH
from app.v2.asked import CONFIDENCE, LABEL, PROBABILITIES, UNCERTAIN
from app.v2.inputs import IMAGE, PICTURE
from models_store.manifest import Manifest
from models_store.registry import Version

NAME = "digitserve"
# as Triton calls them: what of its protocol extensions is here
EXTENSIONS = ["binary_tensor_data", "classification", "model_configuration", "model_repository", "statistics"]
_PLATFORM, _BACKEND = "pytorch_libtorch", "pytorch"  # as Triton calls TorchScript
_CONFIG_TYPES = {"FP32": "TYPE_FP32", "BYTES": "TYPE_STRING", "BOOL": "TYPE_BOOL"}
_N = -1  # any number of pictures

Described = dict[str, Any]


def metadata(version: Version, numbers: Sequence[int]) -> Described:
    """Inputs and outputs of a version; `numbers` are those of all versions of its model."""
    inputs, outputs = _tensors(version.manifest)
    return {
        "name": version.name,
        "versions": [str(number) for number in numbers],
        "platform": _PLATFORM,
        "inputs": [{"name": name, "datatype": kind, "shape": [_N, *shape]} for name, kind, shape in inputs],
        "outputs": [{"name": name, "datatype": kind, "shape": [_N, *shape]} for name, kind, shape in outputs],
    }


def config(version: Version) -> Described:
    """A version as Triton's `ModelConfig` in JSON: dimensions without the batch, one of the inputs is sent."""
    inputs, outputs = _tensors(version.manifest)
    return {
        "name": version.name,
        "platform": _PLATFORM,
        "backend": _BACKEND,
        "version_policy": {"specific": {"versions": [version.number]}},
        "max_batch_size": MAX_BATCH,
        "input": [
            {"name": name, "data_type": _CONFIG_TYPES[kind], "dims": shape, "optional": True}
            for name, kind, shape in inputs
        ],
        "output": [{"name": name, "data_type": _CONFIG_TYPES[kind], "dims": shape} for name, kind, shape in outputs],
        "dynamic_batching": {},
        "parameters": {"labels": {"string_value": json.dumps(version.manifest.labels, ensure_ascii=False)}},
    }


def _tensors(manifest: Manifest) -> tuple[list[tuple[str, str, list[int]]], list[tuple[str, str, list[int]]]]:
    """Name, datatype and shape without N of each input and each output."""
    inputs: list[tuple[str, str, list[int]]] = [
        (IMAGE, "FP32", list(manifest.input.shape)),
        (PICTURE, "BYTES", []),
    ]
    outputs: list[tuple[str, str, list[int]]] = [
        (PROBABILITIES, "FP32", [len(manifest.labels)]),
        (LABEL, "BYTES", []),
        (CONFIDENCE, "FP32", []),
        (UNCERTAIN, "BOOL", []),
    ]
    return inputs, outputs
