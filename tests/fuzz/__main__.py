"""python -m tests.fuzz: odd and damaged pictures, bodies and forms by the thousand, and requests as the OpenAPI
document has them; exit code 1 where one broke something."""

import argparse
import sys
import tempfile
from pathlib import Path

from app.logs import output
from tests.fuzz import document, run, split, wire
from tests.fuzz.doors import service


def main() -> int:
    """Says how far it is, and in the end which pictures broke what, each made as small as it can be."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--bodies", type=int, default=10_000)
    parser.add_argument("--forms", type=int, default=20_000)
    parser.add_argument("--requests", type=int, default=200, help="of each operation, in each phase")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    output.configure("text", "warning")  # without a line for each request
    if options.requests:
        with tempfile.TemporaryDirectory() as folder:
            if document.hold(Path(folder), options.requests, options.seed).broken:
                return 1
    if options.forms and not split.hold(options.forms, options.seed):
        return 1
    if options.bodies and not wire.hold(options.bodies, options.seed):
        return 1
    if not options.pictures:
        return 0
    with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "store") as post:
        return 0 if run.hold(options.pictures, options.seed, post) else 1


if __name__ == "__main__":
    sys.exit(main())
