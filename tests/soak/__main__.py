"""python -m tests.soak: the real service under work, attacks and accidents, in rounds; exit code 1 where a promise was
broken. Each database has a round or more, and each accident happens in each round.

Accidents, attacks and orders come from the seed; what they meet is up to the machine. The disk is full at times only
where a file system may be mounted (root).
"""

import argparse
import signal
import sys
import time
from itertools import cycle
from types import FrameType

from tests.soak.attackers import dear
from tests.soak.played import played
from tests.soak.table import Round, lines

_DATABASES = ("sqlite", "postgresql")
_LEAST_SECONDS = 30  # of a round
_MORE_SECONDS = 210.0  # after its minutes, in which the whole has ended or ends itself


class TooLong(Exception):
    """It did not come to its end."""


def main() -> int:
    """Rounds until the minutes are over."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=20, help="all rounds together (default 20)")
    parser.add_argument("--round-minutes", type=float, default=10, help="one round at most (default 10)")
    parser.add_argument("--every", type=float, default=30, metavar="SECONDS", help="an accident (default 30)")
    parser.add_argument("--database", choices=_DATABASES, help="only this one (default: both in turn)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started and mounted is ended and unmounted
    signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, 60 * options.minutes + _MORE_SECONDS)
    dear()  # drawn before the clock runs
    end = time.monotonic() + 60 * options.minutes
    rounds: list[Round] = []
    broken: list[str] = []
    databases = [options.database] if options.database else _DATABASES
    most = 60 * min(options.round_minutes, options.minutes / len(databases))
    try:
        for number, database in enumerate(cycle(databases), 1):
            seconds = min(most, end - time.monotonic())
            if len(rounds) >= len(databases) and seconds < _LEAST_SECONDS:
                break
            seconds = max(seconds, _LEAST_SECONDS)
            rounds.append(played(database, f"{options.seed}-{number}", seconds, options.every))
            broken += rounds[-1].found.broken
    except TooLong:
        broken.append(f"round {len(rounds) + 1} did not come to its end")
    print("\n".join(lines(rounds)))
    for line in broken:
        print(f"BROKEN: {line}")
    print("no promise was broken" if not broken else f"{len(broken)} promises were broken")
    return 1 if broken else 0


def _give_up(_: int, __: FrameType | None) -> None:
    raise TooLong


if __name__ == "__main__":
    sys.exit(main())
