"""What the command line prints of the audit log, within 80 columns, or as JSON lines."""

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.box import SIMPLE_HEAD
from rich.table import Table

from app.cli.terminal import console, shown
from app.storage.audit.reading import Listed
from app.storage.audit.record import ActOutcome, LoggedAct

_STYLES = {ActOutcome.DONE: "green", ActOutcome.BEGUN: "dim", ActOutcome.REFUSED: "yellow", ActOutcome.FAILED: "red"}


def print_lines(found: Sequence[Listed]) -> None:
    """An object a line."""
    for one in found:
        entry = asdict(one.entry) | {"details": json.loads(one.entry.details), "is_open": one.is_open}
        print(json.dumps(entry))


def print_entries(found: Sequence[Listed], names: Mapping[str, str], *, more: bool) -> None:
    """A row per entry, in the order given; `names` are what people call keys."""
    if not found:
        console().print("There is no such entry.")
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("no.", justify="right", no_wrap=True)
    table.add_column("when (UTC)", no_wrap=True)
    table.add_column("who", overflow="fold")
    table.add_column("what", overflow="fold")
    table.add_column("outcome", overflow="fold")
    for one in found:
        entry = one.entry
        when = datetime.datetime.fromtimestamp(entry.at, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
        outcome = "begun, not ended" if one.is_open else entry.outcome
        style = "red" if one.is_open else _STYLES.get(ActOutcome(entry.outcome), "")
        table.add_row(str(entry.number), when, shown(_who(entry, names)), shown(_what(entry)), shown(outcome, style))
    console().print(table)
    if more:
        console().print(f"There are older ones: --after {found[-1].entry.number}")


def _who(entry: LoggedAct, names: Mapping[str, str]) -> str:
    name = names.get(entry.who)
    return entry.who if name is None else f"{entry.who} ({name})"


def _what(entry: LoggedAct) -> str:
    details = json.loads(entry.details)
    said = " ".join(f"{name}={_short(value)}" for name, value in details.items() if value not in (None, False))
    return " ".join(filter(None, (entry.what, entry.target, said)))


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
