"""What becomes of planted pictures: are they held back, is the result accepted, and does the attack work after it?

    .venv/bin/python -m benchmarks.poison                       (MNIST and Semeion in DIGITSERVE_DATA_DIR)
    .venv/bin/python -m benchmarks.poison --write docs/benchmarks.md

Semeion's digits are the honest pictures, learned by `training.finetune.finetune` as always; what is planted among them
is given as 1. "Before" is the same training with nothing held back and no look for triggers. The attack works where
MNIST's last test digits of other labels, with the mark on them, read as 1; where there is no mark, sevens. Shares in
brackets are those that the version is sure of. On one core it takes ten minutes.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks import page
from benchmarks.poison.attacks import ATTACKS, BLENDED, DOT, HIDDEN, PLAIN, Planting
from benchmarks.poison.trials import Givers, Harm, Trials
from training.errors import DataMissing

_PICTURES, _PLANTED = 200, 40
_LARGE = (1_000, 200)
Row = tuple[Planting | None, int, int, Givers, bool]
_HEAD = (
    "planted", "pictures, planted", "given by", "MNIST", "before: accepted", "before: works", "held of them",
    "held of the honest", "accepted", "works", "honest ones read right: before, after",
)  # fmt: skip


def main() -> int:
    """Prints a row of the table as it ends. Returns 2 where MNIST or Semeion is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this Markdown file")
    parser.add_argument("--quick", action="store_true", help="the first rows only: whether it works")
    options = parser.parse_args()
    folder = Path(os.environ.get("DIGITSERVE_DATA_DIR") or "data")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        try:
            bench = Trials(folder, Path(place))
        except (DataMissing, OSError) as missing:
            print(missing, file=sys.stderr)
            return 2
        table, before = [], dict[tuple[Planting | None, int, bool], Harm]()
        print(page.table(_HEAD, []), flush=True)
        for row in list(_rows())[: 3 if options.quick else None]:
            attack, count, planted, giver, mnist = row
            key = (attack, count, mnist)
            if key not in before:
                before[key] = bench.tried(attack, count, planted, giver, mnist, before=True)
            table.append(_cells(row, before[key], bench.tried(attack, count, planted, giver, mnist, before=False)))
            print(f"| {' | '.join(table[-1])} |", flush=True)
    if options.write:
        command = page.measured(".venv/bin/python -m benchmarks.poison", f"`{bench.base.ref}`")
        page.write(options.write, "benchmarks.poison", f"{command}\n\n{page.table(_HEAD, table)}")
    return 0


def _rows() -> Iterator[Row]:
    usual = (_PICTURES, _PLANTED)
    yield None, *usual, "many givers", True
    for attack in ATTACKS:
        yield attack, *usual, "a file", True
    for attack in (PLAIN, HIDDEN):
        yield attack, *usual, "one giver", True
        yield attack, *usual, "many givers", True
    for side in (None, PLAIN, DOT, BLENDED):
        yield side, *usual, "a file", False
    yield DOT, *_LARGE, "a file", True


def _cells(row: Row, before: Harm, now: Harm) -> list[str]:
    attack, count, _, giver, mnist = row
    right = f"{_share(before.honest)}, {_share(now.honest)}"
    return [
        "nothing" if attack is None else attack.name, f"{count:,}, {now.planted}", giver, "yes" if mnist else "no",
        _word(before), _works(before), f"{now.caught} of {now.planted}" if now.planted else "-",
        f"{now.held} of {count - now.planted}", _word(now), _works(now), right,
    ]  # fmt: skip


def _word(outcome: Harm) -> str:
    return {True: "yes", False: "no", None: "nothing left to learn"}[outcome.accepted]


def _works(outcome: Harm) -> str:
    return "-" if outcome.success is None else f"{outcome.success:.1%} ({outcome.surely:.1%})"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


if __name__ == "__main__":
    sys.exit(main())
