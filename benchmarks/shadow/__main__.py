"""Whether challengers in shadow are judged rightly by 200 labels at most, and what they cost.

    .venv/bin/python -m benchmarks.shadow                 (needs wrk, and MNIST in DIGITSERVE_DATA_DIR; 15 minutes)
    .venv/bin/python -m benchmarks.shadow --write docs/benchmarks.md

Three small nets are trained for one epoch; the two that are nearest in accuracy are the equal ones. Each trial starts
a server of its own, sends it MNIST's test digits, as they are and turned by eight degrees, and labels what it shows,
knowing the truth. The rule alone is tried on known odds, 10,000 runs each. What shadowing costs is measured with wrk
against servers that take turns.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import page
from benchmarks.shadow import cost, judged, people, versions
from models_store.model import use_threads
from training.errors import DataMissing


def main() -> int:
    """Prints the tables. Returns 1 where one was judged wrongly or a request failed, 2 without wrk or MNIST."""
    options = _options()
    if shutil.which("wrk") is None:
        print("wrk is missing: apt-get install wrk", file=sys.stderr)
        return 2
    use_threads(1)
    data = Path(os.environ.get("DIGITSERVE_DATA_DIR") or "data")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        try:
            pictures = people.mnist(data)
            registry, shipped, small = versions.published(folder / "store", data)
        except DataMissing as missing:
            print(missing, file=sys.stderr)
            return 2
        rows, all_right = [], True
        for trial in judged.trials(shipped, small):
            for seed in range(options.times):
                row, right = judged.judged(trial, registry, folder, pictures, seed)
                print(" | ".join(row), flush=True)
                rows.append(row)
                all_right &= right
        table, wrong = cost.measured(registry.root, folder, options.seconds, options.rounds)
    head = ("challenger", "champion, MNIST", "it, MNIST", "what was said", "state", "judged rightly")
    text = "\n\n".join([page.table(head, rows), judged.simulated(), table])
    print(text)
    if options.write:
        command = ".venv/bin/python -m benchmarks.shadow"
        page.write(options.write, "benchmarks.shadow", f"{page.measured(command, f'`{shipped.ref}`')}\n\n{text}")
    return 0 if all_right and not wrong else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=1, help="each trial, with the traffic in another order")
    parser.add_argument("--seconds", type=int, default=6, help="of each timed run")
    parser.add_argument("--rounds", type=int, default=3, help="the servers take turns; the median counts")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into this Markdown file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
