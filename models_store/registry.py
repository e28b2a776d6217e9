"""Registry: versions and aliases in a folder tree. Files only; it knows neither torch nor HTTP.

root/digits/aliases.json      {"champion": 7, "previous": 6}: replaced whole, compare-and-swap under a lock
root/digits/7/manifest.json   immutable once published, like everything beside it
"""

import contextlib
import errno
import functools
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models_store import durable, manifest
from models_store.errors import AliasConflict, StoreError, StoreFull, VersionCorrupt, VersionNotFound, VersionRejected
from models_store.manifest import Manifest
from models_store.refs import CHAMPION, PREVIOUS, Ref, check_alias, check_name, is_name, is_number
from models_store.store import removal
from models_store.store.aliases import Aliases, locked
from models_store.store.ballast import Ballast
from models_store.store.folders import check_is_no_link, numbers

_LISTED = 20  # versions that a refusal names, the newest
RUNS = ".runs"  # beside the models: checkpoints of trainings that have not ended
_STAGING = ".staging-"


@dataclass(frozen=True)
class Version:
    """One published version: where it lies and what its manifest says."""

    name: str
    number: int
    folder: Path
    manifest: Manifest

    @property
    def ref(self) -> str:
        """`name@7`"""
        return f"{self.name}@{self.number}"


class Registry:
    """All models below one root folder. Several processes may use one root at the same time."""

    def __init__(self, root: Path) -> None:
        """`root` may be a link; a model's folder or a version's may not: what one store deletes, another may need."""
        self.root = root
        self.ballast = Ballast(root)

    # Reading

    def models(self) -> list[str]:
        """Names with at least one version, sorted; without those whose folder is a link."""
        with durable.busy():
            if not self.root.is_dir():
                return []
            folders = [p for p in self.root.iterdir() if is_name(p.name)]  # not lost+found
            names = sorted(p.name for p in folders if p.is_dir() and not p.is_symlink())
            return [name for name in names if any(numbers(self.root / name))]

    def versions(self, name: str) -> list[int]:
        """Numbers of the published versions, ascending; empty for an unknown model. A version that is a link is among
        them, for `resolve` to refuse. Raises ManifestMismatch where the model's folder is one, StoreBusy."""
        folder = self.root / check_name(name)
        with durable.busy():
            if not folder.is_dir():
                return []
            check_is_no_link(folder, name)
            return sorted(numbers(folder))

    def aliases(self, name: str) -> dict[str, int]:
        """Alias -> version number. Raises VersionCorrupt where the file does not say that."""
        return self._aliases(name).read()

    def has_champion(self, name: str) -> bool:
        """Whether a version of `name` serves by its name; the first one that is accepted will, where none does."""
        return CHAMPION in self.aliases(name)

    def number(self, ref: Ref) -> int:
        """The version number that a ref points at. Raises VersionNotFound."""
        number = ref.version if ref.alias is None else self.aliases(ref.name).get(ref.alias)
        folder = self.root / check_name(ref.name)
        if number is not None and (folder / str(number) / manifest.FILE).is_file() and not folder.is_symlink():
            return number
        known = self.versions(ref.name)
        if not known:
            raise VersionNotFound(f"There is no model {ref.name}. See the list of models.")
        if number is None:
            raise VersionNotFound(f"The model {ref.name} has no alias {ref.alias}. See the list of models.")
        raise VersionNotFound(f"The model {ref.name} has no version {number}. It has {_listed(known)}.")

    def resolve(self, ref: Ref) -> Version:
        """The version that a ref points at now. Raises VersionNotFound, VersionCorrupt, StoreBusy, and ManifestMismatch
        (also for one that is a link)."""
        number = self.number(ref)
        folder = self.root / ref.name / str(number)
        check_is_no_link(folder, f"{ref.name}@{number}")
        try:
            with durable.busy():
                data = (folder / manifest.FILE).read_bytes()
        except OSError:  # deleted a moment ago, or a bad disk
            raise VersionCorrupt(manifest.FILE, "cannot be read") from None
        return Version(ref.name, number, folder, Manifest.from_bytes(data))

    def verify(self, ref: Ref) -> Version:
        """Reads every byte of a version. Raises VersionCorrupt, naming the file."""
        version = self.resolve(ref)
        version.manifest.check_files(version.folder)
        return version

    # Publishing

    def prepare(self, name: str) -> None:
        """Finds out, before a long training, whether a version can be staged after it. Raises BadRef, OSError."""
        with self.stage(name):
            pass

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[Path]:
        """A folder beside the versions of `name` to write a new one into; `publish` takes it, else it is removed.

        For minutes only: `models_store.retention` takes a stage away that nothing was written into for a day.
        """
        parent = self.root / check_name(name)
        check_is_no_link(parent, name)
        parent.mkdir(parents=True, exist_ok=True)
        durable.sync_folder(self.root)
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=_STAGING))
        folder.chmod(0o755)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """One process at a time is in such a block: what it has seen of the versions of `name` stays so."""
        with locked(self.root / check_name(name) / ".lock-publish"):
            yield

    def publish(self, name: str, staged: Path, draft: Manifest) -> Version:
        """Makes the staged folder the next version of `name`: digests, manifest last, fsync, one rename.

        The first accepted version of a model becomes its champion; no alias that exists is moved.
        """
        whole = draft.with_files(staged)
        (staged / manifest.FILE).write_bytes(whole.to_bytes())
        return self.place(name, staged, whole)

    def digests(self, name: str) -> dict[str, int]:
        """Digest -> number of every version that is or was here."""
        taken = sorted(self._taken(name), reverse=True)
        return {removal.digest_of(self.root / name / str(number)): number for number in taken}

    def place(self, name: str, staged: Path, whole: Manifest, wanted: int | None = None) -> Version:
        """Renames a staged folder that is whole into its place, under the number that is `wanted` where that is free,
        otherwise the next one."""
        durable.sync_tree(staged)
        parent = self.root / name
        taken = self._taken(name)
        number = wanted if wanted is not None and wanted not in taken else max(taken, default=0) + 1
        while True:
            try:
                staged.rename(parent / str(number))  # fails on a folder with files: nothing is ever overwritten
                break
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                number += 1
        durable.sync_folder(parent)
        version = Version(name, number, parent / str(number), whole)
        self.crown(version)
        return version

    def crown(self, version: Version) -> None:
        """Makes an accepted version that is still here the champion where there is none: after publishing, and again
        where a kill may have come between. Raises VersionCorrupt."""
        name, number = version.name, version.number
        if version.manifest.accepted and number in self.versions(name) and not self.has_champion(name):
            with contextlib.suppress(AliasConflict):  # somebody was quicker
                self.promote(name, number, expected=None)

    def _taken(self, name: str) -> set[int]:
        # Folders of deleted versions count, and so do aliases: no number is ever given to other weights.
        here = self.root / name
        with durable.busy():
            folders = {int(p.name) for p in here.iterdir() if is_number(p.name)} if here.is_dir() else set()
        return folders | set(self.aliases(name).values())

    # Aliases

    def promote(self, name: str, version: int, *, expected: int | None, alias: str = CHAMPION) -> dict[str, int]:
        """Points `alias` at `version` if it points at `expected` now (None: nowhere). Returns the aliases after it.

        A champion that gives way becomes `previous`. Raises VersionNotFound, VersionCorrupt, VersionRejected for a
        version that the gate refused, TooManyAliases, and AliasConflict where the alias moved.
        """
        if not self.verify(Ref(name, None, version)).manifest.accepted:
            raise VersionRejected(f"{name}@{version} was rejected by its gate, so no alias may point at it.")
        exists = functools.partial(self.number, Ref(name, None, version))
        point = functools.partial(self._aliases(name).point, check_alias(alias), version, expected, exists)
        return self.ballast.relieve(point, StoreFull)

    def rollback(self, name: str) -> dict[str, int]:
        """Swaps champion and previous, returns the aliases after it. Raises VersionNotFound without a previous."""
        self.number(Ref(name, PREVIOUS))
        return self.ballast.relieve(self._aliases(name).swap, StoreFull)

    def unalias(self, name: str, alias: str, *, expected: int) -> dict[str, int]:
        """Takes an alias away that points at `expected` now; returns those that stay. Raises VersionNotFound,
        AliasFixed for the champion and previous, AliasConflict where it moved."""
        self.number(Ref(name, check_alias(alias)))
        return self.ballast.relieve(lambda: self._aliases(name).remove(alias, expected), StoreFull)

    def delete(self, name: str, version: int) -> None:
        """Removes a version for good; its number is not used again. Raises VersionInUse, VersionNotFound, and
        ManifestMismatch for one that is a link: what that leads to is not this store's."""
        self.number(Ref(name, None, version))
        self.ballast.relieve(lambda: self._delete(name, version), StoreFull)

    def _delete(self, name: str, version: int) -> None:
        ref, folder = Ref(name, None, version), self.root / name / str(version)
        with self._aliases(name).without(version):
            self.number(ref)  # another process may have been quicker
            check_is_no_link(folder, f"{name}@{version}")
            removal.delete(folder)
        with durable.refusals():
            removal.clear(folder)

    def mend(self) -> None:
        """Has what stands beside each model's aliases follow them, where it does not and can."""
        with contextlib.suppress(StoreError, OSError):
            for name in self.models():
                self._aliases(name).mend()

    def _aliases(self, name: str) -> Aliases:
        return Aliases(self.root / check_name(name))


def _listed(numbers: list[int]) -> str:
    more = f"and {len(numbers) - _LISTED:,} before them: " if len(numbers) > _LISTED else ""
    return more + ", ".join(map(str, numbers[-_LISTED:]))
