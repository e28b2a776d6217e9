"""What the command line prints of keys, within 80 columns. A key itself is printed elsewhere, alone, and only once."""

import datetime
import sys
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from app.cli.terminal import console, shown
from app.web.access.keys import KeyRow

_STYLES = {"revoked": "dim", "expired": "dim"}


def print_keys(rows: Sequence[KeyRow], now: float) -> None:
    """A row per key, in the order given; `now` is Unix time."""
    if not rows:
        console().print("There is no key here yet. Make one: digitserve keys create NAME --scope predict")
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("id", no_wrap=True)  # whole, to be copied
    table.add_column("name", overflow="fold")
    table.add_column("scopes", overflow="fold")
    table.add_column("made", no_wrap=True)
    table.add_column("last used", overflow="fold")
    table.add_column("state", overflow="fold")
    for row in rows:
        state = state_of(row, now)
        used = _time(row.last_used_at, "never")
        scopes = " ".join(sorted(row.scopes))
        words = shown(state, _STYLES.get(state.partition(" ")[0], "green"))
        table.add_row(shown(row.id), shown(row.name), shown(scopes), _day(row.created_at), used, words)
    console().print(table)


def state_of(row: KeyRow, now: float) -> str:
    """Whether it counts, in words; days are those of UTC."""
    if row.revoked_at is not None:
        return f"revoked {_day(row.revoked_at)}"
    if row.expires_at is None:
        return "counts"
    return f"{'expired' if row.expires_at <= now else 'counts until'} {_day(row.expires_at)}"


def say_created(row: KeyRow, *, is_first: bool) -> None:
    """What people have to know of a new key, beside it: on standard error, so that a script gets the key alone."""
    end = "until it is revoked" if row.expires_at is None else f"until {_time(row.expires_at)} (UTC)"
    print(
        f"This is the key {row.id} ({row.name}), which allows {', '.join(sorted(row.scopes))} and counts {end}.\n"
        "It is never shown again: only its SHA-256 is kept. Clients send it as `Authorization: Bearer ds_…`.",
        file=sys.stderr,
    )
    if is_first:
        print("It is the first one. From now on the server answers nobody who shows no key.", file=sys.stderr)


def say_revoked(row: KeyRow) -> None:
    """That a key counts no longer."""
    console().print(
        shown(f"The key {row.id} ({row.name}) is revoked since {_time(row.revoked_at)} (UTC); no process takes it."),
        soft_wrap=True,
    )


def _day(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d")


def _time(at: float | None, otherwise: str = "") -> str:
    return otherwise if at is None else datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M")
