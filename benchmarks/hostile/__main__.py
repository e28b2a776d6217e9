"""What honest people notice of attackers: one kind of attack at a time, then all at once.

    .venv/bin/python -m benchmarks.hostile [--only KIND ...] [--seconds 20] [--server FOLDER ...] [--same-address]

A server of its own, started anew for each row, with the settings that it has by default; attackers over four
connections of each kind (idle and slow ones over more); and meanwhile two people who send a digit of 28x28 and two who
draw, each ten times a second. `--server FOLDER` takes the server out of another checkout, and may stand there several
times, so that before and after come out of one run:

    git archive REF | tar x -C /tmp/before
    .venv/bin/python -m benchmarks.hostile --server /tmp/before --server .

Attackers and people share the cores with the server: the attackers are one process of a low priority that sends what it
has made before; the people's priority is raised where the machine allows it (as root). Each kind of attack comes from
an address of its own, and so do the people; with `--same-address` all come from one, as from behind a proxy.

Memory is that of the process that grew most, descriptors that of the process with the most. A row is over where p99 of
the digit is 50 ms or more, p99 of the drawing 300 ms or more, a process grew by 600 MB or more, or an honest request
was not answered with 200.
"""

import argparse
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import uvloop

from benchmarks.hostile import attackers, honest, server, table
from benchmarks.hostile.attacks import ATTACKS
from benchmarks.load import ROOT

_ALONE, _ALL = "nobody", "all at once"
_WARM_SECONDS, _LEAD_SECONDS = 3.0, 2.0  # of people alone before; of attackers before people are measured


def main() -> int:
    """Prints a row for each kind as it ends, then the table. Returns 1 where the last server was over in one."""
    options = _parser().parse_args()
    rows = []
    for kind in options.only or [_ALONE, *ATTACKS, _ALL]:
        for checkout in options.server or [ROOT]:
            rows.append(_row(kind, checkout.resolve(), options))
            print(f"{kind}, {checkout}: " + " | ".join(table.cells_of(rows[-1])), flush=True)
    table.show(rows)
    last = str((options.server or [ROOT])[-1].resolve())
    return 1 if any(row.over() for row in rows if row.server == last) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", action="append", choices=[_ALONE, *ATTACKS, _ALL], metavar="KIND", help="several may be given"
    )
    parser.add_argument("--seconds", type=float, default=20, help="of each row (default 20)")
    parser.add_argument("--connections", type=int, default=4, help="of attackers, of each kind (default 4)")
    parser.add_argument("--server", action="append", type=Path, metavar="FOLDER", help="a checkout (default: this one)")
    parser.add_argument("--same-address", action="store_true", help="attackers and people come from one address")
    return parser


def _row(kind: str, checkout: Path, options: argparse.Namespace) -> table.Row:
    names = {_ALONE: [], _ALL: list(ATTACKS)}.get(kind, [kind])
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place,
        server.serving(checkout, Path(place)) as (address, pid),
    ):
        people = partial(honest.measure, address, same_address=options.same_address)
        crowd = attackers.Attackers(names, address, options.connections, options.same_address)
        uvloop.run(people(_WARM_SECONDS))
        watch = server.Watch(pid)
        watch.start()
        crowd.begin()
        time.sleep(_LEAD_SECONDS)
        with honest.first():
            digit, drawing = uvloop.run(people(options.seconds))
        watch.stop()
        answers = crowd.end()
    return table.Row(kind, str(checkout), digit, drawing, watch, answers)


if __name__ == "__main__":
    sys.exit(main())
