"""Versions are copied whole while others publish, delete and promote; no alias leads nowhere."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.storage.backup.archive import ArchiveWriter
from app.storage.backup.versions import VersionCopier
from models_store.registry import Registry
from tests.conftest import republished


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[ArchiveWriter]:
    with contextlib.closing(ArchiveWriter(tmp_path / "x.tar")) as made:
        yield made


@pytest.fixture
def copier(registry: Registry, archive: ArchiveWriter) -> VersionCopier:
    return VersionCopier(registry.root, archive)


def names(archive: ArchiveWriter, start: str = "store/") -> set[str]:
    return {name for name in archive.files if name.startswith(start)}


def aliases(archive: ArchiveWriter, path: Path) -> dict[str, int]:
    start = archive._members["store/digits/aliases.json"][1]
    size = archive.files["store/digits/aliases.json"].bytes
    return dict(json.loads(path.read_bytes()[start : start + size]))


def test_all_files_of_a_version_and_nothing_else(
    registry: Registry, archive: ArchiveWriter, copier: VersionCopier
) -> None:
    with registry.stage("digits"):
        copier.copy()
        copier.finish()
    folder = registry.root / "digits" / "1"
    published = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names(archive, "store/digits/1/") == {f"store/digits/1/{name}" for name in published}
    assert "store/digits/aliases.json" in archive and not [name for name in archive.files if "/." in name]
    assert copier.warnings == []


def test_what_is_deleted_meanwhile_is_out_again_and_its_number_stays_taken(
    registry: Registry, archive: ArchiveWriter, copier: VersionCopier
) -> None:
    republished(registry)
    copier.copy()
    assert copier.has("digits", 2)
    registry.delete("digits", 2)
    copier.copy()
    copier.finish()
    assert names(archive, "store/digits/2/") == {"store/digits/2/deleted.txt"} and len(archive.blank) > 3
    copier.copy()
    assert names(archive, "store/digits/2/") == {"store/digits/2/deleted.txt"}


def test_what_is_published_and_promoted_after_the_copy_is_there_with_its_alias(
    registry: Registry, archive: ArchiveWriter, copier: VersionCopier, tmp_path: Path
) -> None:
    copier.copy()
    republished(registry)
    registry.promote("digits", 2, expected=1)
    copier.finish()
    assert copier.has("digits", 2)
    assert aliases(archive, tmp_path / "x.tar") == {"champion": 2, "previous": 1} == registry.aliases("digits")
    assert copier.warnings == []


def test_a_file_that_is_a_link_is_copied_as_a_file(
    registry: Registry, archive: ArchiveWriter, copier: VersionCopier, tmp_path: Path
) -> None:
    weights = registry.root / "digits" / "1" / "weights.safetensors"
    weights.rename(tmp_path / "weights")
    weights.symlink_to(tmp_path / "weights")
    copier.copy()
    size = (tmp_path / "weights").stat().st_size
    assert archive.files["store/digits/1/weights.safetensors"].bytes == size and copier.warnings == []


def test_what_was_wrong_before_is_said_and_kept_as_it_is(
    registry: Registry, archive: ArchiveWriter, copier: VersionCopier, tmp_path: Path
) -> None:
    for _ in range(3):
        republished(registry)
    home = registry.root / "digits"
    (home / "2" / "model.pt").write_bytes(b"x")
    (home / "3" / "manifest.json").write_bytes(b"x")
    (home / "4").rename(tmp_path / "moved")
    (home / "4").symlink_to(tmp_path / "moved")
    (registry.root / "other").symlink_to(tmp_path)
    (home / "aliases.json").write_text('{"champion": 1, "beta": 9}')
    copier.copy()
    copier.finish()
    said = " ".join(copier.warnings)
    for part in ("digits@2 is damaged in the store (model.pt)", "digits@3 is damaged in the store (manifest.json)",
                 "digits@4 is a link", "other in the store is a link", "digits@beta names version 9"):  # fmt: skip
        assert part in said
    assert len(copier.warnings) == 5 and not names(archive, "store/digits/4/") and not names(archive, "store/other")
    assert aliases(archive, tmp_path / "x.tar") == {"champion": 1, "beta": 9}


def test_aliases_that_say_nothing_are_kept_for_a_person_to_see(
    registry: Registry, archive: ArchiveWriter, copier: VersionCopier
) -> None:
    (registry.root / "digits" / "aliases.json").write_text("x")
    copier.copy()
    copier.finish()
    assert archive.files["store/digits/aliases.json"].bytes == 1
    assert len(copier.warnings) == 1 and "The backup has it as it is" in copier.warnings[0]


def test_a_store_that_is_not_there(tmp_path: Path, archive: ArchiveWriter) -> None:
    copier = VersionCopier(tmp_path / "none", archive)
    copier.copy()
    copier.finish()
    assert archive.files == {}
