"""The aliases of one model: moved by compare-and-swap only, whole on disk, and refused where they are damaged."""

import json
import os
import threading
from pathlib import Path

import pytest

from models_store.errors import (
    AliasConflict,
    AliasesCorrupt,
    AliasFixed,
    StoreReadOnly,
    TooManyAliases,
    VersionCorrupt,
    VersionInUse,
    VersionNotFound,
)
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.store.aliases import MOST, Aliases
from tests.conftest import republished
from tests.support.read_only import read_only


def here() -> None:
    """The version exists."""


@pytest.fixture
def aliases(tmp_path: Path) -> Aliases:
    return Aliases(tmp_path)


def test_a_model_without_a_file_has_no_alias(aliases: Aliases) -> None:
    assert aliases.read() == {}


def test_a_champion_that_gives_way_becomes_previous_and_other_aliases_do_not(aliases: Aliases, tmp_path: Path) -> None:
    assert aliases.point("champion", 1, None, here) == {"champion": 1}
    assert aliases.point("beta", 2, None, here) == {"champion": 1, "beta": 2}
    assert aliases.point("champion", 2, 1, here) == {"champion": 2, "previous": 1, "beta": 2}
    assert aliases.point("beta", 3, 2, here) == {"champion": 2, "previous": 1, "beta": 3}
    assert json.loads((tmp_path / "aliases.json").read_text()) == aliases.read()


def test_the_same_champion_again_keeps_previous(aliases: Aliases) -> None:
    aliases.point("champion", 1, None, here)
    aliases.point("champion", 2, 1, here)
    assert aliases.point("champion", 2, 2, here) == {"champion": 2, "previous": 1}


@pytest.mark.parametrize("expected", [None, 2])
def test_an_alias_that_is_elsewhere_is_not_moved(aliases: Aliases, expected: int | None) -> None:
    aliases.point("champion", 1, None, here)
    with pytest.raises(AliasConflict) as conflict:
        aliases.point("champion", 3, expected, here)
    assert conflict.value.current == 1
    assert aliases.read() == {"champion": 1}


def test_a_version_deleted_meanwhile_is_not_promoted(registry: Registry) -> None:
    republished(registry)
    aliases = Aliases(registry.root / "digits")

    def gone() -> None:
        raise VersionNotFound("deleted")

    with pytest.raises(VersionNotFound):
        aliases.point("champion", 2, 1, gone)
    assert registry.aliases("digits") == {"champion": 1}


def test_of_many_that_look_and_swap_each_swap_counts(tmp_path: Path) -> None:
    """Eight threads add 1 five times each: a lost update would end below 41."""
    Aliases(tmp_path).point("champion", 1, None, here)

    def add() -> None:
        done = 0
        while done < 5:
            aliases = Aliases(tmp_path)
            seen = aliases.read()["champion"]
            try:
                aliases.point("champion", seen + 1, seen, here)
                done += 1
            except AliasConflict:
                pass

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Aliases(tmp_path).read() == {"champion": 41, "previous": 40}


def test_a_swap_needs_both(aliases: Aliases) -> None:
    with pytest.raises(VersionNotFound, match="no alias champion"):
        aliases.swap()
    aliases.point("champion", 1, None, here)
    with pytest.raises(VersionNotFound, match="no alias previous"):
        aliases.swap()
    aliases.point("champion", 2, 1, here)
    assert aliases.swap() == aliases.read() == {"champion": 1, "previous": 2}


def test_a_version_with_an_alias_is_in_use(aliases: Aliases) -> None:
    aliases.point("champion", 1, None, here)
    aliases.point("beta", 1, None, here)
    with pytest.raises(VersionInUse, match="The alias beta points at version 1"), aliases.without(1):
        pass
    with aliases.without(2):
        assert aliases.read() == {"champion": 1, "beta": 1}


@pytest.mark.parametrize("text", ["", "[]", '{"champion": "1"}', '{"champion": true}', '{"champion": 0}', '{"": 1}'])
def test_a_damaged_file_is_refused_and_left_as_it_is(aliases: Aliases, tmp_path: Path, text: str) -> None:
    (tmp_path / "aliases.json").write_text(text)
    for use in (aliases.read, aliases.swap, lambda: aliases.point("champion", 1, None, here)):
        with pytest.raises(VersionCorrupt, match=r"aliases\.json"):
            use()
    assert (tmp_path / "aliases.json").read_text() == text


@pytest.mark.parametrize("text", ["", "[]", '{"champion": "1"}', '{"champion": true}', '{"champion": 0}'])
def test_a_damaged_alias_file_is_refused_by_name(registry: Registry, text: str) -> None:
    (registry.root / "digits" / "aliases.json").write_text(text)
    with pytest.raises(AliasesCorrupt, match=r"digits/aliases\.json .* promote a version with null as expected"):
        registry.resolve(Ref("digits"))
    assert registry.resolve(Ref("digits", None, 1)).number == 1  # as it says
    (registry.root / "digits" / "aliases.json").unlink()
    assert registry.promote("digits", 1, expected=None) == {"champion": 1}


def test_an_alias_at_a_version_that_is_not_there_is_promoted_from_there(registry: Registry) -> None:
    (registry.root / "digits" / "aliases.json").write_text('{"champion": 99}')
    assert registry.promote("digits", 1, expected=99)["champion"] == 1
    assert registry.resolve(Ref("digits")).number == 1


def test_where_nothing_can_be_written_aliases_are_read_and_stay(registry: Registry) -> None:
    republished(registry)
    registry.promote("digits", 2, expected=1)
    with read_only(registry.root):
        assert registry.resolve(Ref("digits")).number == 2
        for change in (
            lambda: registry.promote("digits", 1, expected=2),
            lambda: registry.rollback("digits"),
            lambda: registry.delete("digits", 1),
        ):
            with pytest.raises((StoreReadOnly, VersionInUse)) as refused:
                change()
            assert str(registry.root) not in str(refused.value)
    assert registry.aliases("digits") == {"champion": 2, "previous": 1} and registry.versions("digits") == [1, 2]


def test_a_file_that_cannot_be_read_is_refused_by_name(aliases: Aliases, tmp_path: Path) -> None:
    (tmp_path / "aliases.json").mkdir()
    with pytest.raises(VersionCorrupt, match=r"aliases\.json cannot be read"):
        aliases.read()


def test_an_alias_is_taken_away_by_compare_and_swap(aliases: Aliases) -> None:
    aliases.point("champion", 1, None, here)
    aliases.point("beta", 2, None, here)
    with pytest.raises(AliasConflict) as conflict:
        aliases.remove("beta", 1)
    assert conflict.value.current == 2
    with pytest.raises(VersionNotFound, match="no alias gamma"):
        aliases.remove("gamma", 1)
    assert aliases.remove("beta", 2) == aliases.read() == {"champion": 1}


def test_champion_and_previous_are_not_taken_away(aliases: Aliases) -> None:
    aliases.point("champion", 1, None, here)
    aliases.point("champion", 2, 1, here)
    for alias, number in aliases.read().items():
        with pytest.raises(AliasFixed, match="Promote another version, or roll back"):
            aliases.remove(alias, number)
    assert aliases.read() == {"champion": 2, "previous": 1}


def test_a_model_has_so_many_aliases_and_no_more(aliases: Aliases) -> None:
    aliases.point("champion", 1, None, here)
    for number in range(MOST - 1):
        aliases.point(f"a{number}", 1, None, here)
    with pytest.raises(TooManyAliases, match=f"{MOST} are the most"):
        aliases.point("one-more", 1, None, here)
    assert aliases.point("a0", 2, 1, here)["a0"] == 2  # what there is can be moved
    assert aliases.point("champion", 2, 1, here)["previous"] == 1  # a promotion and a way back need no leave
    aliases.remove("a1", 1)
    aliases.remove("a2", 1)
    assert "one-more" in aliases.point("one-more", 1, None, here)


def test_a_pipe_a_folder_and_a_file_without_end_hold_nobody_up(aliases: Aliases, tmp_path: Path) -> None:
    file = tmp_path / "aliases.json"
    os.mkfifo(file)
    with pytest.raises(VersionCorrupt, match=r"aliases\.json cannot be read"):
        aliases.read()
    file.unlink()
    for text in ("[" * 100_000, '{"a": 1' + " " * 2**20 + "}"):
        file.write_text(text)
        with pytest.raises(VersionCorrupt, match=r"aliases\.json does not hold"):
            aliases.read()


def test_more_aliases_than_there_may_be_are_read_and_can_be_taken_away(aliases: Aliases, tmp_path: Path) -> None:
    (tmp_path / "aliases.json").write_text(json.dumps({f"a{number}": 1 for number in range(151)}))
    with pytest.raises(TooManyAliases, match="has 151 aliases"):
        aliases.point("b", 1, None, here)
    assert aliases.point("champion", 1, None, here)["champion"] == 1
    assert len(aliases.remove("a150", 1)) == 151
