"""Which pictures a version has learned from: it is known by digests of their pixels, as a net sees them.

All training rows count, also those that only said when to stop or how sure to sound; those that only judged do not.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models_store.errors import BadRef, DataSetRejected, StoreError
from models_store.files import LEARNED, Digests, read_learned, save_learned
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.specs import DataSpec
from training.data import sources
from training.data.rows import DataSet, Rows, join
from training.errors import DataMissing, JudgingRejected

_NAMED = ("mnist", "bundled")  # data sets that need no list of their rows, as every machine has the same


@dataclass(frozen=True)
class Learned:
    """What a version, and those that it comes from, learned from."""

    rows: Digests = field(default_factory=lambda: np.zeros(0, np.uint64))
    sets: frozenset[tuple[str, str]] = frozenset()  # name and digest of data sets whose training rows were learned
    whole: bool = True  # there was nothing else

    def joined(self, other: "Learned") -> "Learned":
        """What both learned from."""
        return Learned(np.union1d(self.rows, other.rows), self.sets | other.sets, self.whole and other.whole)

    def save(self, folder: Path) -> None:
        """Writes it into a version's folder."""
        save_learned(self.rows, self.sets, self.whole, folder / LEARNED)


@dataclass(frozen=True)
class LeftOut:
    """How many rows each of two versions has learned from, and the end of a verdict that says so."""

    learned: tuple[int, int]
    said: str


@dataclass(frozen=True)
class Memory:
    """Where data sets lie that versions may have learned from: MNIST, and what was given to judge by."""

    data_folder: Path
    given: DataSpec | None = None

    def of(self, version: Version, rows: Rows) -> tuple[NDArray[np.bool_], bool]:
        """Which of the rows the version has learned from, bool [N], and whether that is all that it can have."""
        learned = self._learned(version)
        known, whole = learned.rows, learned.whole
        for name, digest in learned.sets:
            there = self._named(name)
            if there is None or there.digest() != digest:
                whole = False
            else:
                known = np.union1d(known, digests(there.train))
        return np.isin(digests(rows), known), whole

    def unlearned(self, versions: tuple[Version, Version], rows: Rows) -> tuple[Rows, LeftOut]:
        """The rows that neither version has learned from. Raises JudgingRejected where there is none."""
        (first, first_whole), (second, second_whole) = (self.of(version, rows) for version in versions)
        learned, rest = (int(first.sum()), int(second.sum())), rows[torch.from_numpy(~(first | second))]
        shares = [f"{version.ref} has learned from {count:,}" for version, count in zip(versions, learned, strict=True)]
        left_out = f" Of {len(rows):,} rows {len(rows) - len(rest):,} were left out: {', '.join(shares)}."
        if not len(rest):
            raise JudgingRejected(f"No row is left to judge by.{left_out} Give pictures that neither has learned from.")
        wholes = zip(versions, (first_whole, second_whole), strict=True)
        doubts = "".join(f" {untold(version)}" for version, whole in wholes if not whole)
        return rest, LeftOut(learned, (left_out if any(learned) else "") + doubts)

    def _learned(self, version: Version) -> Learned:
        found = of_version(version)
        files = self.given.path if self.given is not None else ""
        same = _of_files(version, Path(files)) if files and not found.whole else None
        return found if same is None else same

    def _named(self, name: str) -> DataSet | None:
        if name == "bundled":
            return sources.bundled()
        try:
            return sources.mnist(self.data_folder, download=False)
        except DataMissing:
            return None


def untold(version: Version) -> str:
    """What is said where a version may have learned from rows that nobody noted."""
    return f"Not all that {version.ref} learned from is known here: it may have learned from these pictures."


def digests(rows: Rows) -> Digests:
    """64 bits of each picture's sha256: among a million rows, one in thirty million others looks known that is not."""
    every = (hashlib.sha256(picture).digest()[:8] for picture in rows.pictures.contiguous().numpy())
    return np.frombuffer(b"".join(every), "<u8").astype(np.uint64)


def of_rows(rows: Rows) -> Learned:
    """Just these."""
    return Learned(np.unique(digests(rows)))


def of_data(data: DataSet) -> Learned:
    """The rows of a data set that a training sees."""
    if data.source in _NAMED:
        return Learned(sets=frozenset({(data.source, data.digest())}))
    return of_rows(data.train if data.validation is None else join(data.train, data.validation))


def of_version(version: Version) -> Learned:
    """What the version itself has noted; of an earlier release's, what its manifest and its parents' say. Raises
    VersionCorrupt and ManifestMismatch."""
    facts = version.manifest
    if LEARNED in facts.files:
        rows, sets, whole = read_learned(facts.read_file(version.folder, LEARNED))
        return Learned(rows, frozenset(sets), whole)
    named = facts.data.source in _NAMED
    own = Learned(sets=frozenset({(facts.data.source, facts.data.sha256)} if named else ()), whole=named)
    return own if facts.parent is None else own.joined(_of_parent(version, facts.parent))


def _of_parent(version: Version, ref: str) -> Learned:
    try:
        return of_version(Registry(version.folder.parent.parent).resolve(Ref.parse(ref)))
    except (StoreError, BadRef):  # deleted since, or in another store
        return Learned(whole=False)


def _of_files(version: Version, path: Path) -> Learned | None:
    """The training rows of a person's files, where the version, of an earlier release, learned from just these."""
    own = version.manifest.recipe
    if version.manifest.parent is not None or own.data.source != "files" or own.data.path != path.resolve().name:
        return None
    try:
        whole = sources.files(path, version.manifest.input, own.data.test_share, own.seed)
    except DataSetRejected:
        return None
    return of_rows(whole.train) if whole.digest() == version.manifest.data.sha256 else None
