"""What the kinds of attack came to: which targets were missed, and a table."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from benchmarks.hostile.honest import Times
from benchmarks.hostile.server import Watch

_DIGIT_MS, _DRAWING_MS, _GROWTH = 50, 300, 600 * 10**6  # the targets: p99, p99, bytes
_TITLES = (
    "attack", "28x28, p50/p99 ms", "a drawing, p50/p99 ms", "not answered", "a process grew, MB", "all processes, MB",
    "descriptors", "attackers got", "over",
)  # fmt: skip
_WIDTH = 400  # characters: a table that is wider is cut


class Row(NamedTuple):
    """What one kind of attack came to."""

    attack: str
    server: str
    digit: Times
    drawing: Times
    watch: Watch
    answers: dict[str, Counter[str]]

    def over(self) -> list[str]:
        """Which targets were missed."""
        found = []
        if self.digit.at(0.99) >= _DIGIT_MS:
            found.append("digit")
        if self.drawing.at(0.99) >= _DRAWING_MS:
            found.append("drawing")
        if self.watch.growth >= _GROWTH:
            found.append("memory")
        if self.digit.failures or self.drawing.failures:
            found.append("answers")
        return found


def show(rows: Sequence[Row]) -> None:
    """A table in Markdown; where there are several servers, their cells stand side by side."""
    table = Table(*_TITLES, box=MARKDOWN)
    for attack, of_it in groupby(rows, key=lambda row: row.attack):
        cells = zip(*map(cells_of, of_it), strict=True)
        table.add_row(attack, *(" -> ".join(each) for each in cells))
    Console(width=_WIDTH).print(table)


def cells_of(row: Row) -> Sequence[str]:
    """As _TITLES says, but for the first."""
    failures = row.digit.failures + row.drawing.failures
    answers = sum(row.answers.values(), Counter[str]())
    return (
        f"{row.digit.at(0.5):,.0f}/{row.digit.at(0.99):,.0f}",
        f"{row.drawing.at(0.5):,.0f}/{row.drawing.at(0.99):,.0f}",
        "0" if not failures else ", ".join(f"{count} {why}" for why, count in failures.most_common(3)),
        f"{row.watch.growth / 1e6:,.0f}",
        f"{row.watch.together / 1e6:,.0f}",
        f"{row.watch.descriptors:,}",
        ", ".join(f"{count:,} {what}" for what, count in answers.most_common(5)) or "-",
        ", ".join(row.over()) or "no",
    )
