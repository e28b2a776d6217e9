"""The store: each fault is made on disk, and named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli.doctor import versions
from app.settings import Settings
from models_store.registry import Registry
from tests.conftest import republished
from tests.integration.cli.doctor.found import marked


def said(registry: Registry, mark: str = "bad") -> list[str]:
    return marked(versions.store(Settings(store_dir=registry.root)), mark)


def test_a_whole_store_is_whole(registry: Registry) -> None:
    assert said(registry) == [] and said(registry, "note") == []
    assert any("digits@1 champion: every byte as published" in one for one in said(registry, "ok"))


def _aliases(registry: Registry, **aliases: int) -> None:
    (registry.root / "digits" / "aliases.json").write_text(json.dumps(aliases))


def flipped(registry: Registry) -> None:
    file = registry.root / "digits" / "1" / "model.pt"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def nothing_there(registry: Registry) -> None:
    _aliases(registry, champion=1, candidate=7)


def no_champion_there(registry: Registry) -> None:
    _aliases(registry, champion=7)


def rejected(registry: Registry) -> None:
    republished(registry, accepted=False)
    _aliases(registry, champion=2)


def damaged(registry: Registry) -> None:
    (registry.root / "digits" / "aliases.json").write_text("{")


def linked(registry: Registry) -> None:
    shutil.copytree(registry.root / "digits", registry.root.parent / "elsewhere")
    (registry.root / "letters").symlink_to(registry.root.parent / "elsewhere")


def emptied(registry: Registry) -> None:
    shutil.rmtree(registry.root / "digits")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (flipped, ["digits@1 champion", "model.pt", "from a backup"]),
        (nothing_there, ["digits@candidate points at version 7, which is not there", "aliases.json"]),
        (no_champion_there, ["digits@champion points at version 7", "digitserve models promote"]),
        (rejected, ["digits@2 champion: its gate rejected it", "promote another"]),
        (damaged, ["digits: ", "restore digits/aliases.json"]),
        (linked, ["letters in the store is a link", "copy what it leads to"]),
        (emptied, ["the default model digits is not in the store"]),
    ],
)
def test_a_fault_is_named_with_what_mends_it(
    registry: Registry, fault: Callable[[Registry], None], words: list[str]
) -> None:
    fault(registry)
    (found,) = said(registry)
    assert all(word in found for word in words), found


def test_what_stands_beside_the_aliases_and_is_old(registry: Registry) -> None:
    (registry.root / "digits" / "labels.txt").write_text("old\n")
    assert "do not say what its champion is" in said(registry, "note")[0]


def test_a_model_without_a_champion_is_worth_a_note(registry: Registry) -> None:
    _aliases(registry, candidate=1)
    assert "digits has no champion" in said(registry, "note")[0]


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    found = list(versions.store(Settings(store_dir=tmp_path / "a" / "store")))
    assert marked(found) == [] and "the first start makes it" in marked(found, "note")[0]
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_its_way(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "store"):
        assert "Set DIGITSERVE_STORE_DIR" in marked(versions.store(Settings(store_dir=place)))[0]
