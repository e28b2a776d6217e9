import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from models_store.errors import ManifestMismatch
from models_store.files import (
    LEARNED,
    PROBES,
    WEIGHTS,
    read_learned,
    read_probes,
    save_learned,
    save_module,
    save_probes,
    save_weights,
)
from models_store.refs import Ref
from models_store.registry import Registry
from training.publish.candidates import script
from training.synthetic import strokes


def test_weights_come_back_whatever_their_layout(tmp_path: Path) -> None:
    kernel = torch.randn(4, 3, 5, 5).contiguous(memory_format=torch.channels_last)
    weights = {"kernel": kernel, "count": torch.tensor(7), "half": torch.randn(3).bfloat16(), "part": kernel[:, 1]}
    save_weights(weights, tmp_path / WEIGHTS)
    read = safetensors.torch.load_file(tmp_path / WEIGHTS)
    assert read.keys() == weights.keys()
    assert all(torch.equal(read[name], weights[name]) and read[name].dtype == weights[name].dtype for name in weights)


def test_probes_come_back(tmp_path: Path, rng: np.random.Generator) -> None:
    digits, probabilities = strokes.units(per_digit=2, seed=5), rng.random((20, 10), np.float32)
    save_probes(digits, probabilities, tmp_path / PROBES)
    pictures, expected = read_probes((tmp_path / PROBES).read_bytes())
    assert (pictures == digits).all()
    assert (expected == probabilities).all()
    assert (pictures.dtype.name, expected.dtype.name) == ("uint8", "float32")


def packed(save: Callable[..., None], *arrays: object, **named: object) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *arrays, **named)
    return buffer.getvalue()


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return buffer.getvalue()


RUBBISH = {
    "nothing": b"",
    "text": b"no probes" * 20,
    "one array": packed(np.save, np.zeros(3)),
    "an array missing": packed(np.savez, pictures=np.zeros((1, 1, 28, 28), np.uint8)),
    "members that are no arrays": archive(pictures=b"no array", probabilities=b"no array"),
    "empty members": archive(pictures=b"", probabilities=b""),
    "an empty archive": archive(),
}


@pytest.mark.parametrize("name", RUBBISH)
def test_what_holds_no_probes_is_a_mismatch(name: str) -> None:
    with pytest.raises(ManifestMismatch, match="does not hold pictures and probabilities"):
        read_probes(RUBBISH[name])


def test_damaged_probes_are_a_mismatch(registry: Registry, rng: np.random.Generator) -> None:
    whole = (registry.resolve(Ref("digits")).folder / PROBES).read_bytes()
    for position in rng.integers(8 * len(whole), size=200):
        damaged = bytearray(whole)
        damaged[position // 8] ^= 1 << position % 8
        try:
            read_probes(bytes(damaged))  # a few bits of an archive mean nothing
        except ManifestMismatch:
            continue
    for part in range(1, 10):
        with pytest.raises(ManifestMismatch):
            read_probes(whole[: len(whole) * part // 10])


class Trap:
    """A pickle of it creates a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_no_pickle_is_loaded(tmp_path: Path) -> None:
    trap = np.array([Trap(tmp_path / "sprung")], object)
    for data in (packed(np.savez, pictures=trap, probabilities=trap), packed(np.save, trap)):
        with pytest.raises(ManifestMismatch):
            read_probes(data)
    assert not (tmp_path / "sprung").exists()
    np.load(io.BytesIO(packed(np.save, trap)), allow_pickle=True)  # the trap works
    assert (tmp_path / "sprung").exists()


def test_torchscript_names_no_file_of_the_machine_that_made_it(tmp_path: Path) -> None:
    save_module(script(torch.nn.Linear(2, 2)), tmp_path / "model.pt")
    with zipfile.ZipFile(tmp_path / "model.pt") as saved:
        texts = [saved.read(name) for name in saved.namelist()]
    places = {str(Path(module.__file__ or "").parent).encode() for module in (torch, pytest)}
    assert len(texts) > 4
    assert not any(place in text for place in places for text in texts)
    torch.manual_seed(1)
    pictures, net = torch.rand(3, 2), torch.nn.Linear(2, 2)
    save_module(script(net), tmp_path / "model.pt")
    assert torch.equal(torch.jit.load(str(tmp_path / "model.pt"))(pictures), net(pictures))


@pytest.mark.parametrize("sets", [set(), {("mnist", "ab" * 32), ("bundled", "cd" * 32)}])
@pytest.mark.parametrize("whole", [True, False])
def test_what_was_learned_comes_back(tmp_path: Path, sets: set[tuple[str, str]], whole: bool) -> None:
    rows = np.array([0, 7, 2**64 - 1], np.uint64)
    save_learned(rows, sets, whole, tmp_path / LEARNED)
    read = read_learned((tmp_path / LEARNED).read_bytes())
    assert read[0].tolist() == rows.tolist() and read[1:] == (sets, whole)


@pytest.mark.parametrize(
    "data", [b"", b"PK", packed(np.savez, rows=np.zeros(3)), packed(np.savez, rows=np.array([{}]))]
)
def test_what_holds_no_digests_is_refused(data: bytes) -> None:
    with pytest.raises(ManifestMismatch, match="does not hold digests"):
        read_learned(data)
