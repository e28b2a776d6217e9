"""Reads plain data (parsed TOML or JSON) into frozen dataclasses, strictly."""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from models_store.errors import RecordRejected

T = TypeVar("T")


def require(ok: bool, sentence: str) -> None:
    """Raises RecordRejected with the sentence unless `ok`."""
    if not ok:
        raise RecordRejected(sentence)


def read(cls: type[T], data: object, where: str = "") -> T:
    """Fills the dataclass `cls` from a table, and the dataclasses inside it.

    Keys that an earlier release called otherwise are in the class's FORMER_NAMES. Raises RecordRejected for an unknown
    or missing key and for a value of another type, naming the key as `where`.
    """
    if not isinstance(data, Mapping):
        raise RecordRejected(f"{where or 'the document'} must be a table of keys and values.")
    data = _renamed(data, getattr(cls, "FORMER_NAMES", {}), where)
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in data:
        if key not in fields:
            raise RecordRejected(f"Unknown key {_join(where, key)}. Known here: {', '.join(sorted(fields))}.")
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in data:
            raise RecordRejected(f"The key {_join(where, name)} is missing.")
    return cls(**{key: _value(hints[key], value, _join(where, key)) for key, value in data.items()})


def _renamed(data: Mapping[str, Any], names: Mapping[str, str], where: str) -> Mapping[str, Any]:
    for old in set(names) & set(data):
        if names[old] in data:
            raise RecordRejected(
                f"{_join(where, old)} is called {_join(where, names[old])} now: leave the old one out."
            )
    return {names.get(key, key): value for key, value in data.items()}


def plain(record: Any) -> dict[str, Any]:
    """The record as nested dicts and lists, ready for JSON."""
    return dataclasses.asdict(record)


def named_now(cls: Any, path: Sequence[str]) -> list[str]:
    """Keys that lead into a table of the dataclass `cls`, under the names that they have now."""
    names = []
    for key in path:
        names.append(getattr(cls, "FORMER_NAMES", {}).get(key, key))
        hint = typing.get_type_hints(cls).get(names[-1]) if dataclasses.is_dataclass(cls) else None
        cls = next(filter(dataclasses.is_dataclass, (hint, *typing.get_args(hint))), None)
    return names


def named_as_first(record: Any) -> Any:
    """The same under the names that keys had first, without those of the class's LATER_NAMES that still have their
    default: what is named by a digest of it keeps its name for ever."""
    if isinstance(record, Mapping):
        return {key: named_as_first(value) for key, value in record.items()}
    if isinstance(record, tuple):
        return tuple(map(named_as_first, record))
    if not dataclasses.is_dataclass(record):
        return record
    first = {new: old for old, new in getattr(record, "FORMER_NAMES", {}).items()}
    later = getattr(record, "LATER_NAMES", ())
    fields = dataclasses.fields(record)
    names = [f.name for f in fields if f.name not in later or getattr(record, f.name) != f.default]
    return {first.get(name, name): named_as_first(getattr(record, name)) for name in names}


def _join(where: str, key: object) -> str:
    return f"{where}.{key}" if where else str(key)


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return read(typing.cast(type, hint), value, where)
    if origin is Literal:
        if value in args and type(value) is type(args[0]):
            return value
        raise RecordRejected(f"{where} must be one of {', '.join(map(repr, args))}, not {value!r}.")
    if origin in (typing.Union, types.UnionType):
        return _one_of(args, value, where)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_value(args[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is Mapping and isinstance(value, Mapping):
        return {str(key): _value(args[1], item, _join(where, key)) for key, item in value.items()}
    if hint is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if hint in (str, int, bool) and type(value) is hint:  # bool is an int to isinstance: compare types
        return value
    raise RecordRejected(f"{where} must be {_noun(hint, origin)}, not {value!r}.")


def _one_of(hints: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in hints:
        return None
    refusals = []
    for hint in hints:
        if hint is type(None):
            continue
        try:
            return _value(hint, value, where)
        except RecordRejected as refusal:
            refusals.append(refusal)
    raise refusals[0]


def _noun(hint: Any, origin: Any) -> str:
    nouns = {float: "a finite number", int: "a whole number", bool: "true or false", str: "a text"}
    return nouns.get(hint) or {tuple: "a list", Mapping: "a table"}.get(origin, "a value of another type")
