"""Nets from stored weights: a version's own, or an operator's safetensors file. Nothing is unpickled."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from models_store.files import WEIGHTS
from models_store.recipe import Recipe
from models_store.registry import Version
from training.errors import WeightsRejected
from training.nets.catalog import skeleton

MOST_BYTES = 1 << 30  # of a file that is read whole: the largest net here, resnet50, has 94 MB
_PICKLES = {".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle"}
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"  # how torch.save's files begin, now and before 2020
_HEADER = b"{"  # what safetensors has after the header's length, whose first byte may be a pickle's


def rebuild(version: Version) -> nn.Module:
    """The version's net with its published weights, in eval mode on the CPU; nothing is downloaded.

    Raises VersionCorrupt, RecipeRejected where this release has no such net, and WeightsRejected.
    """
    manifest = version.manifest
    net = skeleton(manifest.recipe.net, manifest.input, len(manifest.labels))
    load_strict(net, manifest.read_file(version.folder, WEIGHTS))
    return net.eval()


def read_weights(path: Path, recipe: Recipe, labels: Sequence[str]) -> nn.Module:
    """The recipe's net with the weights of a safetensors file, in eval mode on the CPU.

    Raises RecipeRejected and WeightsRejected.
    """
    if path.suffix.lower() in _PICKLES:
        raise WeightsRejected(_no_pickle(path))
    if not path.is_file():
        raise WeightsRejected(f"There is no file {path}: give a safetensors file.")
    net = skeleton(recipe.net, recipe.input, len(labels))
    if path.stat().st_size > MOST_BYTES:
        raise WeightsRejected(f"{path} has more than {MOST_BYTES >> 30} GiB: no net here has that many weights.")
    data = path.read_bytes()
    if data.startswith(_ZIP) or (data.startswith(_PICKLE) and data[8:9] != _HEADER):
        raise WeightsRejected(_no_pickle(path))
    load_strict(net, data)
    return net.eval()


def load_strict(net: nn.Module, data: bytes) -> None:
    """Gives the net the weights of a safetensors file's bytes: the same names, shapes and kinds of number, all finite.

    Raises WeightsRejected, naming the first that is not so; then the net is as it was.
    """
    try:
        found = safetensors.torch.load(data)
    except (
        safetensors.SafetensorError,
        KeyError,
        ValueError,
        RuntimeError,
        OverflowError,
    ):  # or a dtype without torch's
        raise WeightsRejected("The weights are no whole safetensors file: save them anew.") from None
    wrong = _first_wrong(net.state_dict(), found)
    if wrong:
        raise WeightsRejected(f"The weights do not fit the net: {wrong}. Check the net's name, options and labels.")
    net.load_state_dict(found, strict=True)


def _first_wrong(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str:
    for name, tensor in wanted.items():
        if name not in found:
            return f"{name} is missing"
        given = found[name]
        if given.shape != tensor.shape:
            return f"{name} has the shape {_shape(given)}, not {_shape(tensor)}"
        if given.dtype.is_floating_point != tensor.dtype.is_floating_point or given.dtype.is_complex:
            return f"{name} holds {_kind(given)}, not {_kind(tensor)}"
        if not bool(torch.isfinite(given.float()).all()):
            return f"{name} holds numbers that are not finite"
    return next((f"{_short(name)} is unexpected" for name in found if name not in wanted), "")


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "of a single number"


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _short(name: str) -> str:
    return repr(name if len(name) <= 80 else f"{name[:80]}…")


def _no_pickle(path: Path) -> str:
    return (
        f"{path.name} is a pickle, which runs code when it is opened: where it was made, write it anew by "
        "safetensors.torch.save_file(net.state_dict(), 'weights.safetensors')."
    )
