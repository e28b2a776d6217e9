"""The version that comes with the software: it is in every store once, and takes nobody's place."""

import shutil
from pathlib import Path

import pytest

from models_store import shipped_version
from models_store.errors import StoreReadOnly
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.shipped_version import install_shipped, open_store
from tests.conftest import republished
from tests.support.read_only import read_only


def test_a_new_store_holds_the_shipped_version_as_champion(registry: Registry) -> None:
    assert registry.models() == ["digits"]
    assert registry.resolve(Ref.parse("digits")).ref == "digits@1"
    assert registry.aliases("digits") == {"champion": 1}


def test_it_is_the_shipped_one_to_the_byte(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "deep" / "store")
    install_shipped(registry)
    shipped = Registry(shipped_version.SHIPPED).resolve(Ref("digits", None, 1)).folder
    copy = registry.verify(Ref("digits")).folder
    files = {path.relative_to(copy): path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert files == {path.relative_to(shipped): path.read_bytes() for path in shipped.rglob("*") if path.is_file()}


def test_opening_again_copies_nothing(registry: Registry) -> None:
    open_store(registry.root)
    assert registry.versions("digits") == [1]


def test_the_shipped_version_takes_the_next_free_number_and_moves_no_champion(registry: Registry) -> None:
    own = republished(registry)
    shutil.rmtree(registry.root / "digits" / "1")
    own.folder.rename(registry.root / "digits" / "1")
    (registry.root / "digits" / "aliases.json").write_text('{"champion": 1}')
    open_store(registry.root)
    assert registry.versions("digits") == [1, 2]
    assert registry.aliases("digits") == {"champion": 1}


def test_a_deleted_shipped_version_stays_deleted(registry: Registry) -> None:
    for number in (2, 3):
        republished(registry, gate=f"copy {number}")
        registry.promote("digits", number, expected=number - 1)
    registry.delete("digits", 1)
    assert open_store(registry.root).versions("digits") == [2, 3]


def test_a_kill_between_the_rename_and_the_first_alias_is_mended_at_the_next_start(registry: Registry) -> None:
    (registry.root / "digits" / "aliases.json").unlink()
    assert open_store(registry.root).aliases("digits") == {"champion": 1}
    assert registry.versions("digits") == [1]


def test_a_store_that_may_only_be_read_is_opened_with_all_that_is_in_it(registry: Registry) -> None:
    republished(registry)
    before = sorted(registry.root.rglob("*"))
    with read_only(registry.root):
        install_shipped(registry)
        assert open_store(registry.root).versions("digits") == [1, 2]
    assert sorted(registry.root.rglob("*")) == before


def test_one_without_the_shipped_version_says_so_and_gives_what_it_has(registry: Registry) -> None:
    republished(registry, gate="of my own")
    registry.promote("digits", 2, expected=1)
    shutil.rmtree(registry.root / "digits" / "1")
    with read_only(registry.root):
        assert open_store(registry.root).resolve(Ref("digits")).ref == "digits@2"
        with pytest.raises(StoreReadOnly):
            install_shipped(registry)


def test_damaged_aliases_keep_nobody_from_the_other_models(registry: Registry) -> None:
    (registry.root / "digits" / "aliases.json").write_text("{")
    shutil.copytree(registry.root / "digits" / "1", registry.root / "letters" / "1")
    assert open_store(registry.root).resolve(Ref("letters", None, 1)).ref == "letters@1"
