"""The files of a version that are not its manifest: how they are written, and how its probes are read back."""

import io
import zipfile
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from models_store import durable
from models_store.errors import ManifestMismatch

WEIGHTS, PROBES, LEARNED = "weights.safetensors", "probes.npz", "learned.npz"

_NO_ARRAYS = (ValueError, LookupError, EOFError, AttributeError, TypeError, RuntimeError, OSError, zlib.error)

Pixels = NDArray[np.uint8]
Probabilities = NDArray[np.float32]
Digests = NDArray[np.uint64]


def save_module(module: torch.jit.ScriptModule, path: Path) -> None:
    """Writes TorchScript. Through memory: saving to a path aborts the process on a full disk.

    Without torch's debug records, which name the source files of the machine that made it.
    """
    slim = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(module.save_to_buffer())) as whole, zipfile.ZipFile(slim, "w") as kept:
        for entry in whole.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                kept.writestr(entry, whole.read(entry))
    durable.write(path, slim.getvalue())


def save_weights(weights: Mapping[str, Tensor], path: Path) -> None:
    """Writes a state_dict as safetensors, which holds no code; it takes contiguous tensors only."""
    durable.write(path, safetensors.torch.save({key: value.cpu().contiguous() for key, value in weights.items()}))


def save_probes(pictures: Pixels, probabilities: Probabilities, path: Path) -> None:
    """Writes pictures and what `model.pt` answers to them."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, pictures=pictures, probabilities=probabilities)
    durable.write(path, buffer.getvalue())


def read_probes(data: bytes) -> tuple[Pixels, Probabilities]:
    """What `save_probes` wrote. Raises ManifestMismatch for anything else."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            pictures, probabilities = arrays["pictures"], arrays["probabilities"]
            if pictures.dtype == np.uint8 and probabilities.dtype == np.float32:
                return pictures, probabilities
    except (*_NO_ARRAYS, zipfile.BadZipFile):
        pass
    raise ManifestMismatch(f"{PROBES} does not hold pictures and probabilities.")


def save_learned(rows: Digests, sets: Collection[tuple[str, str]], whole: bool, path: Path) -> None:
    """Writes what a version learned from: digests of rows, and the names and digests of data sets."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, rows=rows, sets=np.array(sorted(sets), np.str_).reshape(-1, 2), whole=np.array(whole))
    durable.write(path, buffer.getvalue())


def read_learned(data: bytes) -> tuple[Digests, set[tuple[str, str]], bool]:
    """What `save_learned` wrote. Raises ManifestMismatch for anything else."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            rows, sets, whole = arrays["rows"], arrays["sets"], arrays["whole"]
            if rows.dtype == np.uint64 and sets.dtype.kind == "U":
                return rows, {(str(name), str(digest)) for name, digest in sets}, bool(whole)
    except (*_NO_ARRAYS, zipfile.BadZipFile):
        pass
    raise ManifestMismatch(f"{LEARNED} does not hold digests.")
