"""Puts a table that was just measured into a page, with the machine that measured it."""

import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from models_store.machine import cores


def write(page: Path, name: str, text: str) -> None:
    """Replaces what stands between `<!-- name -->` and the next `<!-- end -->`."""
    begin, end = f"<!-- {name} -->", "<!-- end -->"
    before = page.read_text()
    assert begin in before, f"{page} has no place for the table: {begin} … {end}"
    block = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    page.write_text(block.sub(lambda _: f"{begin}\n{text}\n{end}", before))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def measured(command: str, *beside: str) -> str:
    """The line below a heading: the command, the day, the machine, and what else matters."""
    machine = f"{cores()} cores of {_processor()}, torch {version('torch')}"
    return " · ".join([f"`{command}`", f"{datetime.now(UTC):%Y-%m-%d}", machine, *beside])


def _processor() -> str:
    """Its name, where Linux knows one."""
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1].strip() if found else platform.machine()
