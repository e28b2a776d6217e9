"""What a store's folders hold."""

from pathlib import Path

import pytest

from models_store.errors import ManifestMismatch
from models_store.registry import Registry
from models_store.store.folders import check_is_no_link, numbers
from tests.conftest import republished


def test_only_what_has_a_number_and_a_manifest_is_a_version(registry: Registry) -> None:
    republished(registry)
    folder = registry.root / "digits"
    for name in ("7", "07", "x", ".staging-1"):
        (folder / name).mkdir()
    (folder / "8").touch()
    assert sorted(numbers(folder)) == [1, 2] == registry.versions("digits")


def test_a_link_is_named_as_what_it_stands_for(tmp_path: Path) -> None:
    check_is_no_link(tmp_path, "digits@7")
    (tmp_path / "7").symlink_to(tmp_path / "nothing")
    with pytest.raises(ManifestMismatch, match="digits@7 is a link"):
        check_is_no_link(tmp_path / "7", "digits@7")
