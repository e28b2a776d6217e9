"""The errors of the service: bare classes with a stable code, as the tree on top of the module draws them."""

import inspect
import re

import pytest

from app import errors
from app.errors import AppError, CannotListen, NotFound
from models_store.errors import StoreError


def test_an_error_is_its_sentence_with_a_code_and_a_field() -> None:
    error = NotFound("file_not_found", "There is no such file. Upload it.", "training_file")
    assert (str(error), error.code, error.param) == (
        "There is no such file. Upload it.", "file_not_found", "training_file",
    )  # fmt: skip
    assert NotFound("x", "y.").param is None


def test_the_tree_shows_every_error_and_no_other() -> None:
    kinds = inspect.getmembers(errors, inspect.isclass)
    answered = {name for name, kind in kinds if issubclass(kind, AppError) and kind is not AppError}
    assert set(re.findall(r"[├└]── (\w+)", str(errors.__doc__))) == answered


@pytest.mark.parametrize("kind", AppError.__subclasses__())
def test_every_error_can_be_caught_by_its_root(kind: type[AppError]) -> None:
    with pytest.raises(AppError, match="Look again"):
        raise kind("any", "Look again.")
    assert kind.__doc__


def test_what_never_is_an_answer_is_none_of_them() -> None:
    assert not issubclass(CannotListen, AppError)
    assert not issubclass(AppError, StoreError) and not issubclass(StoreError, AppError)
