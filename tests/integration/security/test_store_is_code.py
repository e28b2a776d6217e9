"""What is promised of a version's files and what is not: a damaged one is refused, a forged one is as any other."""

import dataclasses
import hashlib
import io
import pickle
from pathlib import Path

import pytest
import torch

from models_store.errors import ManifestMismatch, VersionCorrupt
from models_store.manifest import FILE, FileFacts, Manifest
from models_store.model import Model
from models_store.refs import Ref
from models_store.registry import Registry, Version
from tests.integration.security.test_payloads import Trap, saved_by_torch, scripted_with
from tests.support.uploading import packed


def forged(version: Version, data: bytes) -> Manifest:
    """Puts `data` in the place of the plain candidate, with a manifest that fits it: who can write can do that."""
    file = version.manifest.candidates["fp32"].file
    (version.folder / file).write_bytes(data)
    facts = FileFacts(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    manifest = dataclasses.replace(version.manifest, files={**version.manifest.files, file: facts})
    (version.folder / FILE).write_bytes(manifest.to_bytes())
    return manifest


@pytest.fixture
def version(registry: Registry) -> Version:
    return registry.resolve(Ref("digits"))


def test_a_version_whose_file_was_exchanged_is_refused(version: Version) -> None:
    (version.folder / version.manifest.candidates["fp32"].file).write_bytes(b"another")
    with pytest.raises(VersionCorrupt):
        Model.load(version.folder, version.manifest)


def test_a_pickle_in_the_place_of_a_net_is_not_loaded(version: Version, tmp_path: Path) -> None:
    mark = tmp_path / "sprung"
    pickled, saved = pickle.dumps(Trap(mark)), saved_by_torch({"state_dict": Trap(mark)})
    for data in (pickled, saved, scripted_with(pickled)):
        manifest = forged(version, data)
        with pytest.raises(ManifestMismatch):
            Model.load(version.folder, manifest)
    assert not mark.exists()


def test_an_exported_program_in_the_place_of_a_net_is_not_loaded(version: Version) -> None:
    """torch's readers of .pt2 files run what is in them; TorchScript's reader takes none."""
    program = {"archive_format": b"pt2", "archive_version": b"0", "models/model.json": b"{}", "version": b"3"}
    manifest = forged(version, packed({f"archive/{name}": data for name, data in program.items()}))
    with pytest.raises(ManifestMismatch):
        Model.load(version.folder, manifest)


class Writing(torch.nn.Module):
    """A net that makes a file wherever it is computed."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.from_file(self.path, shared=True, size=10).expand(pixels.shape[0], 10)


def test_the_store_is_code_and_digests_are_no_signatures(registry: Registry, version: Version, tmp_path: Path) -> None:
    """TorchScript does what it says, and whoever can write it can write its digest: docs/security.md says so."""
    mark, buffer = tmp_path / "sprung", io.BytesIO()
    torch.jit.save(torch.jit.script(Writing(str(mark))), buffer)
    manifest = forged(version, buffer.getvalue())
    registry.verify(Ref("digits"))  # every byte is as the manifest says
    Model.load(version.folder, manifest).warm_up()
    assert mark.exists()
