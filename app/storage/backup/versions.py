"""Versions and aliases into a backup, while others publish, promote and delete: each version whole, and no alias that
leads nowhere.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from app.storage.backup.archive import ArchiveWriter
from app.storage.backup.contents import STORE, is_segment
from models_store import manifest
from models_store.errors import AliasesCorrupt, ManifestMismatch, VersionCorrupt
from models_store.manifest import FileFacts, Manifest
from models_store.refs import is_name, is_number
from models_store.store import removal
from models_store.store.aliases import FILE as ALIASES
from models_store.store.aliases import Aliases

_LOOKS = 20  # at aliases that move


class VersionCopier:
    """One store, for one backup. `warnings` are sentences of what was wrong with it before."""

    def __init__(self, root: Path, archive: ArchiveWriter) -> None:
        self.warnings: list[str] = []
        self._root = root
        self._archive = archive

    def copy(self) -> None:
        """Adds the versions that are there now, and takes out of the archive what was deleted meanwhile. Raises as
        ArchiveWriter's `add`."""
        for model in self._models():
            for path in sorted(model.iterdir()):
                if is_number(path.name):
                    self._copy_version(path)

    def has(self, name: str, number: int) -> bool:
        """Whether a version is in the archive."""
        return f"{STORE}/{name}/{number}/{manifest.FILE}" in self._archive

    def finish(self) -> None:
        """Adds the aliases as they are now, with the versions that they name, and what lies beside them."""
        for model in self._models():
            self._copy_aliases(model)
            for path in sorted(model.iterdir()):
                if path.name != ALIASES and is_segment(path.name) and path.is_file() and not path.is_symlink():
                    with contextlib.suppress(FileNotFoundError):
                        self._archive.add(f"{STORE}/{model.name}/{path.name}", path)

    def _models(self) -> Iterator[Path]:
        if not self._root.is_dir():
            return
        for path in sorted(self._root.iterdir()):
            if is_name(path.name) and path.is_symlink():
                self._warn(f"{path.name} in the store is a link, and was left out.")
            elif is_name(path.name) and path.is_dir():
                yield path

    def _copy_version(self, folder: Path) -> None:
        place = f"{STORE}/{folder.parent.name}/{folder.name}"
        if folder.is_symlink():
            self._warn(f"{folder.parent.name}@{folder.name} is a link, and was left out.")
            return
        if (folder / manifest.FILE).is_file():
            if f"{place}/{manifest.FILE}" in self._archive:  # it never changes
                return
            # a deletion takes the manifest first: where it is there after all others, all of them were
            with contextlib.suppress(FileNotFoundError):
                for inside in _files(folder):
                    if inside != manifest.FILE:
                        self._archive.add(f"{place}/{inside}", (folder / inside).resolve())  # it may be a link
                self._archive.add(f"{place}/{manifest.FILE}", folder / manifest.FILE)
                self._look(folder, place)
                return
        for name in [name for name in self._archive.files if name.startswith(f"{place}/")]:
            if name != f"{place}/{removal.MARK}":
                self._archive.remove(name)
        with contextlib.suppress(FileNotFoundError):  # what keeps its number taken
            self._archive.add(f"{place}/{removal.MARK}", folder / removal.MARK)

    def _look(self, folder: Path, place: str) -> None:
        """Says so where a version was damaged before it was copied."""
        try:
            promised = Manifest.from_bytes((folder / manifest.FILE).read_bytes()).files
        except (ManifestMismatch, FileNotFoundError):  # of another release; deleted a moment ago
            return
        except VersionCorrupt:
            promised = {manifest.FILE: FileFacts(sha256="", size=0)}
        kept = self._archive.files
        for name, facts in promised.items():
            found = kept.get(f"{place}/{name}")
            if found is None or found.sha256 != facts.sha256:
                ref = f"{folder.parent.name}@{folder.name}"
                self._warn(
                    f"{ref} is damaged in the store ({name}), and so it is in the backup. See `digitserve doctor`."
                )
                return

    def _copy_aliases(self, model: Path) -> None:
        before: dict[str, int] | None = None
        for _ in range(_LOOKS):
            try:
                aliases = Aliases(model).read()
            except AliasesCorrupt as refusal:
                self._warn(f"{refusal} The backup has it as it is.")
                with contextlib.suppress(FileNotFoundError):
                    self._archive.add(f"{STORE}/{model.name}/{ALIASES}", model / ALIASES)
                return
            for number in aliases.values():
                if not self.has(model.name, number):
                    self._copy_version(model / str(number))
            gone = {alias: number for alias, number in aliases.items() if not self.has(model.name, number)}
            if not gone or aliases == before:  # an alias moves before its version goes: this one led nowhere before
                break
            before = aliases
        for alias, number in gone.items():
            self._warn(f"{model.name}@{alias} names version {number}, which is not in the store.")
        if aliases:
            text = json.dumps(aliases, indent=1, sort_keys=True).encode() + b"\n"
            self._archive.add_bytes(f"{STORE}/{model.name}/{ALIASES}", text)

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)


def _files(folder: Path) -> Iterator[str]:
    """The files below a folder, without hidden ones. A file may be a link, a folder that is one is not looked into."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if is_segment(name))
        for name in sorted(names):
            path = Path(root, name)
            if is_segment(name) and path.is_file():
                yield path.relative_to(folder).as_posix()
