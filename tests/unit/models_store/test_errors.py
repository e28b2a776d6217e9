"""Errors of the store: one root, a sentence that says what to do next, and the facts that a caller needs."""

import inspect

import pytest

from models_store import errors
from models_store.errors import AliasConflict, DataSetRejected, ImageRejected, StoreError, VersionCorrupt


def test_every_error_here_has_the_one_root() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    assert StoreError in kinds and len(kinds) > 10
    assert all(issubclass(kind, StoreError) and kind.__doc__ for kind in kinds)


def test_a_corrupt_version_names_its_file_and_the_way_out() -> None:
    error = VersionCorrupt("model.pt", "is missing")
    assert error.file == "model.pt"
    assert str(error) == "model.pt is missing. This version is refused; restore it from a backup or delete it."


@pytest.mark.parametrize(("current", "place"), [(3, "3"), (None, "None")])
def test_a_lost_swap_says_where_the_alias_is_now(current: int | None, place: str) -> None:
    error = AliasConflict("champion", current)
    assert error.current == current
    assert f"The alias champion now points at {place}." in str(error)


@pytest.mark.parametrize("kind", [DataSetRejected, ImageRejected])
def test_a_refusal_keeps_its_code_beside_its_sentence(kind: type[DataSetRejected | ImageRejected]) -> None:
    error = kind("too_large", "The file is too large. Send a smaller one.")
    assert (error.code, str(error)) == ("too_large", "The file is too large. Send a smaller one.")
