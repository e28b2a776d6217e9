"""How a version goes: its files, never what a link leads to; a deletion that was killed in the middle is finished."""

import datetime
from pathlib import Path

import pytest

from models_store.errors import ManifestMismatch, VersionNotFound
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.retention import prune, sweep
from models_store.store import removal
from tests.conftest import republished

NOW = datetime.datetime(2026, 11, 30, tzinfo=datetime.UTC)


@pytest.fixture
def outside(registry: Registry, tmp_path: Path) -> Path:
    """A whole version outside the store, which `digits/7` links to."""
    version = republished(registry)
    home = tmp_path / "outside"
    version.folder.rename(home)
    (registry.root / "digits" / "7").symlink_to(home)
    return home


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_version_that_is_a_link_is_refused_by_name_and_what_it_leads_to_stays(
    registry: Registry, outside: Path
) -> None:
    before = names(outside)
    assert registry.versions("digits") == [1, 7]
    for use in (
        lambda: registry.resolve(Ref("digits", None, 7)),
        lambda: registry.verify(Ref("digits", None, 7)),
        lambda: registry.promote("digits", 7, expected=1),
        lambda: registry.delete("digits", 7),
    ):
        with pytest.raises(ManifestMismatch, match="digits@7 is a link to another folder"):
            use()
    prune(registry, NOW)
    sweep(registry, NOW)
    assert names(outside) == before and registry.aliases("digits") == {"champion": 1}


def test_a_model_that_is_a_link_is_refused_and_the_store_may_be_one(registry: Registry, tmp_path: Path) -> None:
    (registry.root / "letters").symlink_to(registry.root / "digits")
    assert registry.models() == ["digits"]
    for use in (
        lambda: registry.resolve(Ref("letters")),
        lambda: registry.delete("letters", 1),
        lambda: registry.rollback("letters"),
        lambda: registry.prepare("letters"),
    ):
        with pytest.raises(ManifestMismatch, match="letters is a link"):
            use()
    (tmp_path / "linked").symlink_to(registry.root)
    linked = Registry(tmp_path / "linked")
    number = republished(linked).number
    linked.delete("digits", number)
    assert registry.versions("digits") == [1]


def test_links_inside_a_version_go_and_what_they_lead_to_stays(registry: Registry, tmp_path: Path) -> None:
    version = republished(registry)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a").write_text("a")
    (version.folder / "folder").symlink_to(tmp_path / "kept")
    (version.folder / "report" / "folder").symlink_to(tmp_path / "kept")
    (tmp_path / "weights").write_bytes((version.folder / "model.pt").read_bytes())
    (version.folder / "model.pt").unlink()
    (version.folder / "model.pt").symlink_to(tmp_path / "weights")
    assert registry.verify(Ref("digits", None, 2)).number == 2  # byte by byte what was published
    registry.delete("digits", 2)
    assert names(version.folder) == {"deleted.txt"}
    assert names(tmp_path / "kept") == {"a"} and (tmp_path / "weights").is_file()


def test_what_a_killed_deletion_left_goes_with_the_next_sweep(registry: Registry) -> None:
    version = republished(registry)
    removal.delete(version.folder)
    assert "model.pt" in names(version.folder)
    with pytest.raises(VersionNotFound):
        registry.resolve(Ref("digits", None, 2))
    sweep(registry, NOW)
    assert names(version.folder) == {"deleted.txt"}
    assert names(registry.resolve(Ref("digits")).folder) > {"model.pt", "manifest.json"}


def test_a_folder_that_became_a_link_is_not_cleared(registry: Registry, tmp_path: Path) -> None:
    version = republished(registry)
    removal.delete(version.folder)
    version.folder.rename(tmp_path / "elsewhere")
    version.folder.symlink_to(tmp_path / "elsewhere")
    removal.clear(version.folder)
    assert "model.pt" in names(tmp_path / "elsewhere")
