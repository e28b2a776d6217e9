"""python -m tests.fuzz: odd pictures by the thousand at every door; exit code 1 where one broke something."""

import argparse
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from app.logs import output
from tests.fuzz.doors import check_answered, check_prepared, service
from tests.fuzz.pictures import ODD_PICTURES, OddPicture

_EVERY = 1000  # pictures between two lines


def main() -> int:
    """Says how far it is, and in the end which pictures broke what, each made as small as it can be."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    output.configure("text", "warning")  # without a line for each request
    seen: Counter[str] = Counter()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "store") as post:

        @seed(options.seed)
        @settings(
            max_examples=options.pictures, database=None, deadline=None,
            phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(ODD_PICTURES)
        def each(picture: OddPicture) -> None:
            seen[f"{picture.kind} {picture.mode}"] += 1
            count = seen.total()
            if count % _EVERY == 0:
                print(f"{count:,} of {options.pictures:,} pictures, {time.monotonic() - began:.0f} s", flush=True)
            data = picture.file()
            check_prepared(data)
            check_answered(data, post)

        try:
            each()
        except BaseException:
            traceback.print_exc()
            print(f"broken after {seen.total():,} pictures (seed {options.seed})")
            return 1
    print(", ".join(f"{count:,} {what}" for what, count in seen.most_common()))
    print(f"{seen.total():,} pictures (seed {options.seed}): each was read or refused as foreseen")
    return 0


if __name__ == "__main__":
    sys.exit(main())
