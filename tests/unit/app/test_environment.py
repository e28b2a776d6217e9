"""What a setting takes, in words, and which databases can be used."""

from typing import Literal

import pytest
from pydantic import Field

from app.environment import Environment, is_database, taken, variable


class Some(Environment):
    """A setting of each kind."""

    some_words: Literal["one", "two", "three"] = "one"
    some_number: int = Field(1, ge=0, le=9)
    some_share: float = Field(1, ge=0)
    some_choice: bool = False


@pytest.mark.parametrize(
    "name, words",
    [
        ("some_words", "one, two or three"),
        ("some_number", "a whole number from 0 to 9"),
        ("some_share", "a number of at least 0"),
        ("some_choice", "true or false"),
    ],
)
def test_what_each_kind_takes(name: str, words: str) -> None:
    assert taken(Some.model_fields[name]) == words


def test_a_child_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Some(some_words="two", some_number=3).variables()
    assert told["DIGITSERVE_SOME_NUMBER"] == "3"
    for name, text in told.items():
        monkeypatch.setenv(name, text)
    assert Some() == Some(some_words="two", some_number=3)


def test_what_is_empty_or_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable("some_number"), "")
    monkeypatch.setenv(variable("some_words"), ' "TWO" ')
    assert Some() == Some(some_words="two")


@pytest.mark.parametrize("url, usable", [("sqlite:////a/b.db", True), ("sqlite://", False), ("mysql://h/n", False)])
def test_databases(url: str, usable: bool) -> None:
    assert is_database(url) is usable
