"""Texts that somebody else chose, as sentences show them."""

import pytest

from models_store.text import listed, quoted, shown


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("7/ä 写.png", "7/ä 写.png"), ("a\\b`c'", "a\\b`c'"), ("", ""), ("a\nb\0", "a\\nb\\x00"),
        ("\x1b[2J", "\\x1b[2J"), ("\u202e\ufdd0", "\\u202e\\ufdd0"), ("\ud800", "\\ud800"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_escaped_once_and_nothing_else_changes(text: str, line: str) -> None:
    assert shown(text) == line
    assert line.isprintable() and line.encode().decode() == line


def test_what_is_long_is_cut_and_says_so() -> None:
    assert shown("x" * 200) == "x" * 200 and shown("x" * 201) == "x" * 200 + "…"
    assert shown("abc", longest=2) == "ab…" and shown("abc", longest=3) == "abc"
    assert quoted("x" * 41) == f"`{'x' * 40}…`"


def test_names_are_listed_once_each_and_five_of_them() -> None:
    assert (listed([]), listed(["a", "b", "a"])) == ("", "`a`, `b`")
    assert listed("abcde") == "`a`, `b`, `c`, `d`, `e`"
    assert listed(iter("abcdefgf")) == "`a`, `b`, `c`, `d`, `e` and 2 more"
