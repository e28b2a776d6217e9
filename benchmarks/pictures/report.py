"""Figures of what was read, as plain data and as tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.pictures.judged import Judged
from benchmarks.pictures.labelled import OTHER, ROW, SINGLE

Figures = dict[str, Any]


def figures(judged: Sequence[Judged], left_out: int) -> Figures:
    """All counts, as `--json` prints them. Shares are left to the reader: a share of nothing is no number."""
    of = {kind: [one for one in judged if one.picture.kind == kind] for kind in (SINGLE, ROW, OTHER)}
    singles = of[SINGLE]
    return {
        "singles": _singles(singles),
        "by_note": _each(singles, lambda one: one.picture.note),
        "by_digit": _each(singles, lambda one: one.picture.label),
        "rows": _rows(of[ROW]),
        "others": {"pictures": len(of[OTHER]), "uncertain": sum(one.uncertain for one in of[OTHER])},
        "refused": sum(bool(one.refused) for one in judged),
        "left_out": left_out,
    }


def show(found: Figures, console: Console) -> None:
    """Prints them for a person."""
    table = Table("singles", "n", "right", "sure", "of the sure, right", box=SIMPLE_HEAD)
    groups: list[Mapping[str, Figures]] = [{"all": found["singles"]}, found["by_note"], found["by_digit"]]
    for group in groups:
        for name, c in group.items():
            sure = share(c["sure_right"], c["sure"])
            table.add_row(
                name, str(c["pictures"]), share(c["right"], c["pictures"]), share(c["sure"], c["pictures"]), sure
            )
        table.add_section()
    console.print(table)
    r, o = found["rows"], found["others"]
    table = Table("rows and others", "n", "", box=SIMPLE_HEAD)
    table.add_row("rows right as a whole", str(r["rows"]), share(r["whole"], r["rows"]))
    table.add_row("rows wrong, no doubt, no warning", str(r["rows"]), share(r["wrong_silently"], r["rows"]))
    table.add_row("digits of rows right", str(r["digits"]), share(r["digits_right"], r["digits"]))
    table.add_row("no digit: uncertain", str(o["pictures"]), share(o["uncertain"], o["pictures"]))
    console.print(table)
    console.print(f"Refused, so neither right nor sure: {found['refused']} pictures.")
    console.print(f"Left out, printed or odd: {found['left_out']} pictures.")


def share(part: int, all_: int) -> str:
    """In percent; a dash where there is nothing to share."""
    return f"{part / all_:.1%}" if all_ else "-"


def _each(judged: Sequence[Judged], group: Callable[[Judged], str]) -> dict[str, Figures]:
    return {name: _singles([one for one in judged if group(one) == name]) for name in sorted({*map(group, judged)})}


def _singles(judged: Sequence[Judged]) -> Figures:
    sure = [one for one in judged if not one.uncertain]
    return {
        "pictures": len(judged),
        "right": sum(one.right for one in judged),
        "sure": len(sure),
        "sure_right": sum(one.right for one in sure),
    }


def _rows(judged: Sequence[Judged]) -> Figures:
    return {
        "rows": len(judged),
        "whole": sum(one.right for one in judged),
        "wrong_silently": sum(one.silent and not one.right for one in judged),
        "digits": sum(len(one.picture.label) for one in judged),
        # A row of which more was read than is there has no digits less than none.
        "digits_right": sum(max(0, len(one.picture.label) - one.errors) for one in judged),
    }
