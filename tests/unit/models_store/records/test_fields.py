import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import pytest

from models_store import records
from models_store.errors import RecordRejected


@dataclass(frozen=True)
class Leaf:
    number: int
    share: float = 0.5


@dataclass(frozen=True)
class Tree:
    name: str
    leaf: Leaf
    kind: Literal["oak", "ash"] = "oak"
    rings: tuple[float, ...] = ()
    options: Mapping[str, bool | int | str] | None = None


def test_nested_tables_become_records() -> None:
    data = {"name": "x", "leaf": {"number": 3, "share": 1}, "rings": [1, 2.5], "options": {"a": True, "b": 2, "c": "z"}}
    tree = records.read(Tree, data)
    assert tree == Tree("x", Leaf(3, 1.0), "oak", (1.0, 2.5), {"a": True, "b": 2, "c": "z"})
    assert type(tree.leaf.share) is float
    assert records.read(Tree, records.plain(tree)) == tree


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"leaf": {"number": 1, "colour": 2}}, "Unknown key leaf.colour. Known here: number, share."),
        ({"leaf": {}}, "The key leaf.number is missing."),
        ({"leaf": {"number": "3"}}, "leaf.number must be a whole number, not '3'."),
        ({"leaf": {"number": True}}, "leaf.number must be a whole number, not True."),
        ({"leaf": {"number": 1, "share": math.nan}}, "leaf.share must be a finite number, not nan."),
        ({"leaf": [1]}, "leaf must be a table of keys and values."),
        ({"kind": "elm"}, "kind must be one of 'oak', 'ash', not 'elm'."),
        ({"rings": [1, "2"]}, "rings[1] must be a finite number, not '2'."),
        ({"options": {"a": 0.5}}, "options.a must be true or false, not 0.5."),
        ({"name": None}, "name must be a text, not None."),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(RecordRejected) as refusal:
        records.read(Tree, {"name": "x", "leaf": {"number": 1}, **change})
    assert str(refusal.value) == sentence


@dataclass(frozen=True)
class Renamed:
    FORMER_NAMES: ClassVar[Mapping[str, str]] = {"count": "number"}
    number: int
    leaf: Leaf


def test_a_former_name_is_read_and_names_what_was_named_by_it() -> None:
    record = records.read(Renamed, {"count": 4, "leaf": {"number": 1}})
    assert record == records.read(Renamed, {"number": 4, "leaf": {"number": 1}}) == Renamed(4, Leaf(1))
    assert records.named_as_first(record) == {"count": 4, "leaf": {"number": 1, "share": 0.5}}
    assert records.plain(record) == {"number": 4, "leaf": {"number": 1, "share": 0.5}}


@dataclass(frozen=True)
class Grown:
    LATER_NAMES: ClassVar[tuple[str, ...]] = ("more",)
    number: int = 1
    more: str = ""


def test_a_key_that_came_later_is_named_only_where_it_is_given() -> None:
    assert records.named_as_first(Grown()) == {"number": 1}
    assert records.named_as_first(Grown(more="x")) == {"number": 1, "more": "x"}
    assert records.plain(Grown()) == {"number": 1, "more": ""}
