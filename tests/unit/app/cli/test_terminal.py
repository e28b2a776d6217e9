"""The terminal: how wide it is taken for, and what of a foreign text reaches it."""

import pytest

from app.cli.terminal import console, print_plainly, shown


def test_what_is_no_terminal_has_eighty_columns() -> None:
    assert console().width == 80


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("7 of 12: ä, 数", "7 of 12: ä, 数"),
        ("two\nlines", "two\nlines"),
        ("\x1b[2Jgone", "\ufffd[2Jgone"),  # ECMA-48: it would clear the screen
        ("\r\x07\x7f\x9b", "\ufffd" * 4),
        ("a\u202eb\u200bc", "a\ufffdb\ufffdc"),  # turned round, and nothing at all
    ],
)
def test_no_character_of_a_foreign_text_moves_the_cursor(text: str, kept: str) -> None:
    assert shown(text).plain == kept


def test_nothing_in_a_foreign_text_is_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_plainly("[red]a[/red] [/] [link=http://x]b")
    assert capsys.readouterr().out == "[red]a[/red] [/] [link=http://x]b\n"


def test_a_line_for_a_program_stays_whole(capsys: pytest.CaptureFixture[str]) -> None:
    print_plainly("x " * 100 + "end")
    assert capsys.readouterr().out == "x " * 100 + "end\n"


def test_what_is_no_text_is_shown_as_one() -> None:
    assert shown(7).plain == "7"
    assert str(shown("x", "green").style) == "green"
