"""Versions in their folders: published once, numbered on, verified to the byte, deleted for good."""

import dataclasses
import shutil
import threading
from pathlib import Path

import pytest

from models_store.errors import AliasConflict, BadRef, StoreBusy, VersionCorrupt, VersionInUse, VersionNotFound
from models_store.refs import Ref
from models_store.registry import Registry
from tests.conftest import republished
from tests.support.descriptors import none_left


def test_publish_numbers_on_and_leaves_the_champion(registry: Registry) -> None:
    assert republished(registry).ref == "digits@2"
    assert registry.aliases("digits") == {"champion": 1}
    assert registry.verify(Ref("digits", None, 2)).manifest.created_at.startswith("2026-01-02")


def test_a_number_is_not_used_again_while_an_alias_names_it(registry: Registry) -> None:
    republished(registry)
    registry.promote("digits", 2, expected=1)
    shutil.rmtree(registry.root / "digits" / "2")
    (registry.root / "digits" / "aliases.json").write_text('{"champion": 1, "previous": 2}')
    assert republished(registry).number == 3


def test_a_rejected_first_version_is_no_champion(registry: Registry, tmp_path: Path) -> None:
    version = registry.resolve(Ref("digits"))
    other = Registry(tmp_path / "other")
    with other.stage("mine") as folder:
        shutil.copytree(version.folder, folder, dirs_exist_ok=True)
        other.publish("mine", folder, dataclasses.replace(version.manifest, accepted=False))
    assert other.versions("mine") == [1]
    with pytest.raises(VersionNotFound, match="no alias champion"):
        other.resolve(Ref("mine"))


def test_a_deleted_version_leaves_its_number_behind(registry: Registry) -> None:
    assert republished(registry).number == 2
    registry.delete("digits", 2)
    assert registry.versions("digits") == [1]
    assert [path.name for path in (registry.root / "digits" / "2").iterdir()] == ["deleted.txt"]
    assert republished(registry).number == 3


def test_what_an_alias_names_is_not_deleted(registry: Registry) -> None:
    with pytest.raises(VersionInUse, match="alias champion points at version 1"):
        registry.delete("digits", 1)
    assert registry.verify(Ref("digits")).number == 1


def test_a_rollback_without_a_champion_says_so(registry: Registry) -> None:
    (registry.root / "digits" / "aliases.json").write_text('{"previous": 1}')
    with pytest.raises(VersionNotFound, match="no alias champion"):
        registry.rollback("digits")


def test_an_abandoned_stage_leaves_nothing(registry: Registry) -> None:
    with pytest.raises(KeyboardInterrupt), registry.stage("digits") as folder:
        (folder / "model.pt").write_bytes(b"half")
        raise KeyboardInterrupt
    assert not folder.exists()
    assert registry.versions("digits") == [1]


def test_promote_and_rollback_swap_champion_and_previous(registry: Registry) -> None:
    republished(registry)
    assert registry.promote("digits", 2, expected=1) == {"champion": 2, "previous": 1}
    assert registry.rollback("digits") == {"champion": 1, "previous": 2}
    assert registry.rollback("digits") == {"champion": 2, "previous": 1}


def test_promoting_the_champion_again_keeps_previous(registry: Registry) -> None:
    republished(registry)
    registry.promote("digits", 2, expected=1)
    assert registry.promote("digits", 2, expected=2) == {"champion": 2, "previous": 1}


def test_promote_is_compare_and_swap(registry: Registry) -> None:
    republished(registry)
    with pytest.raises(AliasConflict) as conflict:
        registry.promote("digits", 2, expected=7)
    assert conflict.value.current == 1
    assert registry.aliases("digits") == {"champion": 1}


def test_of_racing_promotions_exactly_one_wins_each_round(registry: Registry) -> None:
    numbers = [1, *(republished(registry).number for _ in range(4))]
    for _ in range(20):
        before = registry.aliases("digits")["champion"]
        won: list[int] = []

        def race(number: int, before: int = before, won: list[int] = won) -> None:
            try:
                registry.promote("digits", number, expected=before)
                won.append(number)
            except AliasConflict:
                pass

        threads = [threading.Thread(target=race, args=(n,)) for n in numbers if n != before]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won == [registry.aliases("digits")["champion"]]


def test_rollback_without_previous_says_so(registry: Registry) -> None:
    with pytest.raises(VersionNotFound, match="no alias previous"):
        registry.rollback("digits")


def test_unknown_names_and_numbers(registry: Registry) -> None:
    for text, sentence in [
        ("nope", "no model nope"),
        ("digits@9", "no version 9. It has 1"),
        ("digits@x", "no alias x"),
    ]:
        with pytest.raises(VersionNotFound, match=sentence):
            registry.resolve(Ref.parse(text))
    with pytest.raises(BadRef):
        registry.versions("../digits")
    with pytest.raises(VersionNotFound):
        registry.promote("digits", 9, expected=1)


def test_a_flipped_bit_in_any_file_is_refused_by_name(registry: Registry) -> None:
    version = registry.resolve(Ref("digits"))
    names = [*version.manifest.files, "manifest.json"]
    assert {"model.pt", "model.int8.pt", "weights.safetensors", "probes.npz", "report/confusion.png"} <= set(names)
    for name in names:
        path = version.folder / name
        whole = path.read_bytes()
        damaged = bytearray(whole)
        damaged[len(whole) // 2] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(VersionCorrupt) as refusal:
            registry.verify(Ref("digits"))
        assert refusal.value.file == name
        path.write_bytes(whole)
    assert registry.verify(Ref("digits")).ref == "digits@1"


def test_a_missing_file_is_refused_by_name(registry: Registry) -> None:
    (registry.root / "digits" / "1" / "weights.safetensors").unlink()
    with pytest.raises(VersionCorrupt, match=r"weights\.safetensors is missing"):
        registry.verify(Ref("digits"))


def test_where_no_file_can_be_opened_that_is_said_and_no_version_is_taken_for_damaged(registry: Registry) -> None:
    republished(registry)
    registry.promote("digits", 2, expected=1)
    version = registry.resolve(Ref("digits"))
    with none_left():
        for use in (
            registry.models,
            lambda: registry.versions("digits"),
            lambda: registry.aliases("digits"),
            lambda: registry.resolve(Ref("digits")),
            lambda: registry.digests("digits"),
            lambda: registry.promote("digits", 1, expected=2),
            lambda: registry.rollback("digits"),
            lambda: registry.delete("digits", 1),
            lambda: registry.unalias("digits", "beta", expected=1),
            lambda: version.manifest.check_files(version.folder),
        ):
            with pytest.raises(StoreBusy, match="Too many files and connections are open"):
                use()
    assert registry.aliases("digits") == {"champion": 2, "previous": 1} and registry.versions("digits") == [1, 2]
