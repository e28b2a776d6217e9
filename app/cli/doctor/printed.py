"""The findings as a person reads them, or a program."""

import json
from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape

from app.cli.doctor.finding import Finding, Mark

_MARKS = {Mark.OK: "[green]ok  [/]", Mark.NOTE: "[yellow]note[/]", Mark.BAD: "[red]BAD [/]"}


def lines(findings: Iterable[Finding]) -> bool:
    """Prints a line each, as they come; says whether none is bad."""
    console, good = Console(highlight=False, soft_wrap=True), True
    for finding in findings:
        console.print(f"{_MARKS[finding.mark]}  {escape(finding.said)}")
        good = good and finding.mark != Mark.BAD
    return good


def document(findings: Iterable[Finding]) -> bool:
    """Prints one JSON object; says whether none is bad."""
    found = list(findings)
    good = all(one.mark != Mark.BAD for one in found)
    told = [{"mark": str(one.mark), "about": one.about, "what": one.what, "do": one.do or None} for one in found]
    print(json.dumps({"ok": good, "findings": told}, indent=1))
    return good
