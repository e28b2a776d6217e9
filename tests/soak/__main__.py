"""python -m tests.soak: the real service under work and accidents, in rounds; exit code 1 where a promise was broken.

Accidents and orders come from the seed; what they meet is up to the machine.
"""

import argparse
import io
import shutil
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

from app.storage.db import Database
from models_store.registry import Registry
from tests.soak import promises
from tests.soak.chaos import Chaos
from tests.soak.people import Asker, Orderer, Seen, ask
from tests.soak.server import Server
from tests.support.databases import Postgres, programs, started
from tests.support.pictures import png
from tests.system.harness import drawn
from training.synthetic import strokes

_DATABASES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Round:
    """One round's name and facts."""

    database: str
    seed: str
    seconds: float
    accidents: Counter[str]
    answers: int
    unanswered: int
    found: promises.Found


def main() -> int:
    """Rounds until the minutes are over."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=20, help="all rounds together")
    parser.add_argument("--round-minutes", type=float, default=5, help="one round (default 5)")
    parser.add_argument("--database", choices=_DATABASES, help="only this one (default: both in turn)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    rounds: list[Round] = []
    for number, database in enumerate(cycle([options.database] if options.database else _DATABASES), 1):
        seconds = min(60 * options.round_minutes, end - time.monotonic())
        if rounds and seconds < 30:
            break
        rounds.append(_round(database, f"{options.seed}-{number}", seconds))
        for line in rounds[-1].found.broken:
            print(f"BROKEN: {line}")
    _table(rounds)
    return 1 if any(one.found.broken for one in rounds) else 0


def _round(database: str, seed: str, seconds: float) -> Round:
    folder = Path(tempfile.mkdtemp(prefix="digitserve-soak-"))
    began = time.monotonic()
    with _postgres(database) as postgres:
        url = postgres.url("postgres") if postgres else f"sqlite:///{folder / 'state' / 'digitserve.db'}"
        server, seen = Server(folder, url), Seen()
        chaos = Chaos(server, seen, postgres, f"{seed}-chaos")
        try:
            server.start()
            asker = Asker(server, seen, png(strokes.unit(7, np.random.default_rng(7))))
            orderer = Orderer(server, seen, _upload(server, folder), seed)
            with _live(database, began, seen, chaos):
                asker.start()
                orderer.start()
                while time.monotonic() - began < seconds:
                    chaos.happen()
                orderer.stop()
                left = orderer.wait_for_the_last()
                asker.stop()
        finally:
            orphans = server.stop()
        with closing(Database(url)) as jobs:
            found = promises.look(jobs, Registry(folder / "store"), seen)
    broken = [
        *found.broken,
        *seen.wrong,
        *promises.predictions(seen, server.down, chaos.kills),
        *(f"{name} made no progress any more and did not end" for name in left),
        *(f"{process.role} {process.pid} was left behind" for process in orphans),
    ]
    if broken:
        print(f"\nwhat is left of this round: {folder}")
    else:
        shutil.rmtree(folder)
    facts = promises.Found(found.states, found.attempts, found.repeated, broken)
    spent = time.monotonic() - began
    return Round(database, seed, spent, chaos.done, seen.answers, len(seen.unanswered), facts)


@contextmanager
def _postgres(database: str) -> Iterator[Postgres | None]:
    if database == "sqlite":
        yield None
        return
    found = programs()
    if found is None:
        sys.exit("PostgreSQL's programs are not installed (Debian: apt-get install postgresql)")
    with started(found) as server:
        yield server


def _upload(server: Server, folder: Path) -> str:
    """Sixty drawn digits; returns the file's id."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for picture in sorted(drawn(folder / "pictures", range(10), 6).rglob("*.png")):
            archive.write(picture, picture.relative_to(folder / "pictures"))
    answer = ask(server, "POST", "/v1/files", files={"file": ("x.zip", data.getvalue())}, data={"purpose": "fine-tune"})
    assert answer is not None and answer.status_code == 200, answer and answer.text
    return str(answer.json()["id"])


@contextmanager
def _live(database: str, began: float, seen: Seen, chaos: Chaos) -> Iterator[None]:
    """A line that changes in a terminal, and a line every half minute elsewhere."""
    ended, is_terminal = threading.Event(), sys.stdout.isatty()

    def show() -> None:
        while not ended.wait(1 if is_terminal else 30):
            minutes, seconds = divmod(int(time.monotonic() - began), 60)
            line = (
                f"{database:10} {minutes:02}:{seconds:02} | jobs {len(seen.keys)}, open {seen.open} | "
                f"accidents {chaos.done.total()} | predictions {seen.answers}"
            )
            print(f"\r{line:<79}" if is_terminal else line, end="" if is_terminal else "\n", flush=True)

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    yield
    ended.set()
    thread.join()
    print()


def _table(rounds: list[Round]) -> None:
    states, accidents = ("succeeded", "failed", "cancelled"), sorted({name for one in rounds for name in one.accidents})
    rows: dict[str, Callable[[Round], object]] = {
        "database": lambda one: one.database,
        "seed": lambda one: one.seed,
        "minutes": lambda one: f"{one.seconds / 60:.1f}",
        **{f"jobs {state}": lambda one, state=state: one.found.states[state] for state in states},  # type: ignore[misc]
        "attempts": lambda one: one.found.attempts,
        "most epochs repeated": lambda one: one.found.repeated,
        **{name: lambda one, name=name: one.accidents[name] for name in accidents},  # type: ignore[misc]
        "predictions": lambda one: one.answers,
        "lost with a killed process": lambda one: one.unanswered,
        "BROKEN PROMISES": lambda one: len(one.found.broken),
    }
    for start in range(0, len(rounds), 4):  # four columns fit a terminal of 80
        print()
        for name, value in rows.items():
            print(f"{name:27}" + "".join(f"{value(one)!s:>12}" for one in rounds[start : start + 4]))


if __name__ == "__main__":
    sys.exit(main())
