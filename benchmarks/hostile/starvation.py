"""Who waits behind a photograph? A digit of 28x28 and a photograph of a megapixel, alone and beside dear work.

    .venv/bin/python -m benchmarks.hostile.starvation [--seconds 20] [--rounds 3] [--server FOLDER ...] [--only KIND]

A server of its own for each round, with the settings that it has by default. Two people send digits, fifteen times a
second each, and two send photographs of a megapixel, four times a second each: first alone, then while four clients
send photographs of twelve megapixels, pages, or drawings to be explained, one after another without a pause, and at
last while all twelve do. `--server FOLDER` takes the server out of another checkout, and may stand there several times:
each round goes through all of them, so that before and after come out of one run:

    git archive REF | tar x -C /tmp/before
    .venv/bin/python -m benchmarks.hostile.starvation --server /tmp/before --server .

Times are those of `benchmarks.hostile`, of all rounds together; whoever computes on the machine meanwhile is measured
too. The target is a p99 of at most three times that of the same people alone. Returns 1 where the last server is over.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import uvloop
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from benchmarks.hostile import bodies, honest, server
from benchmarks.hostile.attackers import Attackers
from benchmarks.hostile.honest import Times
from benchmarks.hostile.wire import Address
from benchmarks.load import ROOT

_ALONE, _ALL = "nobody", "all of them"
_BESIDE = {
    _ALONE: [],
    "12 megapixels": ["12 megapixels"],
    "pages": ["pages"],
    "explanations": ["explanations"],
    _ALL: ["12 megapixels", "pages", "explanations"],
}
_KINDS = (
    honest.Kind(bodies.small, each_second=15),
    honest.Kind(partial(bodies.photograph, 1), "image/jpeg", each_second=4),
)
_MOST = 3.0  # times what people wait alone
_WARM_SECONDS, _LEAD_SECONDS = 6.0, 2.0  # in which each process starts its children; of dear work before
_TITLES = (
    "beside", "28x28, p50/p99 ms", "times alone", "1 megapixel, p50/p99 ms", "times alone", "not answered",
    "dear answers a second", "cores busy", "of them the server's",
)  # fmt: skip


@dataclass
class Found:
    """What one server came to beside one kind of work, in all rounds."""

    digit: Times = field(default_factory=Times)
    photograph: Times = field(default_factory=Times)
    answers: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    seconds: float = 0.0  # of the machine's clock
    busy: float = 0.0  # core seconds of the whole machine
    served: float = 0.0  # of the server

    def times(self, alone: "Found") -> tuple[float, float]:
        """How much larger p99 is than alone: of the digit, of the photograph."""
        return self.digit.at(0.99) / alone.digit.at(0.99), self.photograph.at(0.99) / alone.photograph.at(0.99)


def main() -> int:
    """Prints a line for each measurement as it ends, then the table."""
    options = _parser().parse_args()
    servers = [checkout.resolve() for checkout in options.server or [ROOT]]
    kinds = [_ALONE, *(kind for kind in options.only or _BESIDE if kind != _ALONE)]
    found = [{kind: Found() for kind in kinds} for _ in servers]
    for _ in range(options.rounds):
        for checkout, rows in zip(servers, found, strict=True):
            with (
                tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place,
                server.serving(checkout, Path(place)) as (address, pid),
            ):
                uvloop.run(_people(address, _WARM_SECONDS))
                for kind in kinds:
                    _measure(address, pid, _BESIDE[kind], rows[kind], options)
                    print(f"{kind}, {checkout}: " + " | ".join(_cells(rows[kind], rows[_ALONE])), flush=True)
    show(kinds, found)
    return 1 if any(max(row.times(found[-1][_ALONE])) > _MOST for row in found[-1].values()) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement (default 20)")
    parser.add_argument("--rounds", type=int, default=3, help="default 3")
    parser.add_argument("--connections", type=int, default=4, help="of each kind of dear work (default 4)")
    parser.add_argument("--server", action="append", type=Path, metavar="FOLDER", help="a checkout (default: this one)")
    parser.add_argument("--only", action="append", choices=list(_BESIDE), metavar="KIND", help="several may be given")
    return parser


async def _people(address: Address, seconds: float) -> list[Times]:
    return await honest.measure(address, seconds, same_address=False, kinds=_KINDS)


def _measure(address: Address, pid: int, names: Sequence[str], found: Found, options: argparse.Namespace) -> None:
    crowd = Attackers(names, address, options.connections, same_address=False)
    crowd.begin()
    time.sleep(_LEAD_SECONDS)
    before = time.monotonic(), server.busy_cores(), server.cpu(pid)
    with honest.first():
        digit, photograph = uvloop.run(_people(address, options.seconds))
    for key, (now, then) in zip(
        ("seconds", "busy", "served"),
        zip((time.monotonic(), server.busy_cores(), server.cpu(pid)), before, strict=True),
        strict=True,
    ):
        setattr(found, key, getattr(found, key) + now - then)
    for all_of_it, new in ((found.digit, digit), (found.photograph, photograph)):
        all_of_it.milliseconds += new.milliseconds
        all_of_it.failures.update(new.failures)
    for name, answers in crowd.end().items():
        found.answers[name].update(answers)


def show(kinds: Sequence[str], found: Sequence[dict[str, Found]]) -> None:
    """A table in Markdown; where there are several servers, their cells stand side by side."""
    table = Table(*_TITLES, box=MARKDOWN)
    for kind in kinds:
        cells = zip(*(_cells(rows[kind], rows[_ALONE]) for rows in found), strict=True)
        table.add_row(kind, *(" -> ".join(each) for each in cells))
    Console(width=400).print(table)


def _cells(row: Found, alone: Found) -> Sequence[str]:
    """As _TITLES says, but for the first."""
    failures = row.digit.failures + row.photograph.failures
    digit, photograph = row.times(alone)
    return (
        f"{row.digit.at(0.5):.1f}/{row.digit.at(0.99):.1f}", f"{digit:.1f}",
        f"{row.photograph.at(0.5):.0f}/{row.photograph.at(0.99):.0f}", f"{photograph:.1f}",
        "0" if not failures else ", ".join(f"{count} {why}" for why, count in failures.most_common(3)),
        ", ".join(f"{answers['200'] / row.seconds:.1f} {name}" for name, answers in row.answers.items()) or "-",
        f"{row.busy / row.seconds:.2f}", f"{row.served / row.seconds:.2f}",
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
