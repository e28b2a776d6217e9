"""What is printed of keys: within 80 columns, and their state in words."""

import pytest

from app.cli.key_tables import print_keys, say_created, say_revoked, state_of
from app.web.access.keys import KeyRow
from app.web.access.scopes import MEANINGS

DAY = 86_400.0
NOW = 20_000 * DAY  # 2024-10-04


def row(**facts: object) -> KeyRow:
    return KeyRow(**{"id": "0" * 16, "name": "scanner", "scopes": frozenset(MEANINGS), "created_at": NOW, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({}, "counts"),
        ({"expires_at": NOW + DAY}, "counts until 2024-10-05"),
        ({"expires_at": NOW}, "expired 2024-10-04"),
        ({"expires_at": NOW - DAY, "revoked_at": NOW}, "revoked 2024-10-04"),
    ],
)
def test_the_state_is_said_in_words(facts: dict[str, float], state: str) -> None:
    assert state_of(row(**facts), NOW) == state


def test_a_table_fits_and_nothing_in_it_is_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_keys([row(name="[red]Ann's \x1b[2J scanner in the cellar"), row(last_used_at=NOW, revoked_at=NOW)], NOW)
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80 and "\x1b[2J" not in out
    assert "[red]Ann's" in out and "0" * 16 in out and "never" in out and "2024-10-04" in out
    print_keys([], NOW)
    assert "digitserve keys create" in capsys.readouterr().out


def test_a_key_without_an_end_is_said_to_have_none(capsys: pytest.CaptureFixture[str]) -> None:
    say_created(row(), is_first=False)
    say_created(row(expires_at=NOW + DAY), is_first=True)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "until it is revoked" in printed.err and "until 2024-10-05 00:00 (UTC)" in printed.err
    say_revoked(row(revoked_at=NOW))
    assert "revoked since 2024-10-04 00:00 (UTC)" in capsys.readouterr().out
