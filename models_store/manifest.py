"""Manifest: what a stored version is, and the digests that prove its files. Every file lies at the relative name that
`files` gives."""

import dataclasses
import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from models_store import durable, records
from models_store.errors import ManifestMismatch, RecordRejected, VersionCorrupt
from models_store.recipe import Recipe
from models_store.records import sealed
from models_store.specs import InputSpec

FILE = "manifest.json"
_FORMAT = 1
_REMEMBERED = 64  # manifests: reading one takes milliseconds, and lists ask for them again and again


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """One file as it was published."""

    sha256: str
    size: int  # bytes


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """What a version learned from; `sha256` is over all pictures and labels, training then test."""

    source: str
    sha256: str
    train_rows: int
    test_rows: int


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Logits are divided by `temperature` (Guo et al. 2017, arXiv:1706.04599); under `threshold` look yourself."""

    temperature: float = 1.0
    threshold: float = 0.5
    plausible: float = 0.0  # what the two best labels of a digit come to together; 0 asks for nothing
    fitted_on: str = "nothing: the defaults"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One way to compute the version: a TorchScript file, and how many test labels it changes against `model.pt`."""

    file: str
    labels_changed: int
    test_rows: int


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The facts of one version. Its name and number are the folder's: a copy under another number stays the same."""

    net: str
    parameters: int
    input: InputSpec
    labels: tuple[str, ...]
    metrics: Mapping[str, float]
    data: DataFacts
    recipe: Recipe
    created_at: str  # ISO 8601, UTC
    made_with: Mapping[str, str]  # package -> version
    calibration: Calibration = Calibration()
    candidates: Mapping[str, Candidate] = field(default_factory=dict)
    parent: str | None = None  # the ref that this version was fine-tuned from
    accepted: bool = True  # what the gate said
    gate: str = "trained from scratch: nothing to compare with"
    files: Mapping[str, FileFacts] = field(default_factory=dict)
    digest: str = ""  # of all the above: what identifies a version
    format: int = _FORMAT

    def to_bytes(self) -> bytes:
        """The one spelling of this manifest, digest included."""
        return sealed.sealed(records.plain(self))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Manifest":
        """Reads what `to_bytes` wrote; the same bytes once.

        Raises VersionCorrupt where one bit differs from what was published (the spelling is canonical, so a flipped
        blank counts too), and ManifestMismatch where a newer or older software wrote it.
        """
        return _read(data)

    def with_files(self, folder: Path) -> "Manifest":
        """This manifest with the digest of every file below `folder`."""
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        files = {path.relative_to(folder).as_posix(): _facts(path.read_bytes()) for path in paths}
        files.pop(FILE, None)
        whole = dataclasses.replace(self, files=files, digest="")
        return dataclasses.replace(whole, digest=sealed.digest(records.plain(whole)))

    def read_file(self, folder: Path, name: str) -> bytes:
        """The bytes of one file of the version in `folder`. Raises VersionCorrupt where they were not published so,
        StoreBusy where too many files are open to read them now."""
        if name not in self.files:
            raise VersionCorrupt(name, "is not in the manifest")
        try:
            with durable.busy():
                data = (folder / name).read_bytes()
        except OSError as error:
            why = "is missing" if isinstance(error, FileNotFoundError) else "cannot be read"
            raise VersionCorrupt(name, why) from None
        if _facts(data) != self.files[name]:
            raise VersionCorrupt(name, "is not the file that was published")
        return data

    def check_files(self, folder: Path) -> None:
        """Reads every file. Raises VersionCorrupt, naming the first that is wrong."""
        for name in self.files:
            self.read_file(folder, name)


@functools.lru_cache(_REMEMBERED)
def _read(data: bytes) -> Manifest:
    document = sealed.opened(data)
    if document is None:
        raise VersionCorrupt(FILE, "is not the file that was published")
    if document.get("format") != _FORMAT:
        raise ManifestMismatch("This version was made for another release of this software. Train it anew.")
    try:
        return records.read(Manifest, document)
    except RecordRejected as refusal:
        raise ManifestMismatch(f"The manifest does not fit this release: {refusal}") from None


def _facts(data: bytes) -> FileFacts:
    return FileFacts(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
