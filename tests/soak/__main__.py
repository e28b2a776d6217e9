"""python -m tests.soak: the real service under work, attacks and accidents, in rounds; exit code 1 where a promise was
broken. Each database has a round or more, and each accident happens in each round, however short that was to be.

Accidents, attacks and orders come from the seed; what they meet is up to the machine. The disk is full at times only
where a file system may be mounted (root).
"""

import argparse
import io
import shutil
import signal
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
from benchmarks.hostile import bodies
from models_store.registry import Registry
from tests.soak import promises
from tests.soak.attackers import Attacker, dear
from tests.soak.chaos import Chaos
from tests.soak.disk import Disk, disk
from tests.soak.people import Asker, Orderer, Person, Seen, ask
from tests.soak.server import Server
from tests.soak.watch import Watch, creeping
from tests.support.databases import Postgres, programs, started
from tests.support.pictures import png
from tests.system.harness import drawn
from training.synthetic import strokes

_DATABASES = ("sqlite", "postgresql")
_HONEST, _ATTACKING = "127.0.0.{}", "127.0.66.{}"  # where people come from: this machine has all of 127.0.0.0/8
_ATTACKERS = 4
_LEAST_SECONDS = 30  # of a round
_MOST_SECONDS = 300  # that a round goes on for accidents that have not happened yet


@dataclass(frozen=True)
class Round:
    """One round's name and facts."""

    database: str
    seed: str
    seconds: float
    accidents: Counter[str]
    answers: int
    unanswered: int
    refused: int
    attacks: int
    slow: tuple[float, float]  # milliseconds of predictions: p50, p99
    memory: dict[str, int]  # the most megabytes of a process, by role
    found: promises.Found


def main() -> int:
    """Rounds until the minutes are over."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=20, help="all rounds together (default 20)")
    parser.add_argument("--round-minutes", type=float, default=5, help="one round at most (default 5)")
    parser.add_argument("--database", choices=_DATABASES, help="only this one (default: both in turn)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started and mounted is ended and unmounted
    dear()  # drawn before the clock runs
    end = time.monotonic() + 60 * options.minutes
    rounds: list[Round] = []
    databases = [options.database] if options.database else _DATABASES
    most = 60 * min(options.round_minutes, options.minutes / len(databases))
    for number, database in enumerate(cycle(databases), 1):
        seconds = min(most, end - time.monotonic())
        if len(rounds) >= len(databases) and seconds < _LEAST_SECONDS:
            break
        seconds = max(seconds, _LEAST_SECONDS)
        rounds.append(_round(database, f"{options.seed}-{number}", seconds))
        for line in rounds[-1].found.broken:
            print(f"BROKEN: {line}")
    _table(rounds)
    return 1 if any(one.found.broken for one in rounds) else 0


def _round(database: str, seed: str, seconds: float) -> Round:
    folder = Path(tempfile.mkdtemp(prefix="digitserve-soak-"))
    began = time.monotonic()
    try:
        with _postgres(database) as postgres, disk(folder) as place:
            played = _played(folder, place, postgres, seed, (began, seconds))
    except (KeyboardInterrupt, SystemExit):
        shutil.rmtree(folder)
        raise
    if played.found.broken:
        print(f"\nwhat is left of this round: {folder}")
    else:
        shutil.rmtree(folder)
    return played


def _played(folder: Path, place: Disk, postgres: Postgres | None, seed: str, times: tuple[float, float]) -> Round:
    (began, seconds), database = times, "postgresql" if postgres else "sqlite"
    state = place.place / "state" / "digitserve.db"
    url = postgres.url("postgres") if postgres else f"sqlite:///{state}"
    server, seen = Server(folder, place.place, url), Seen()
    chaos, watch = Chaos(server, seen, postgres, place, f"{seed}-chaos"), Watch(server)
    try:
        server.start()
        file_id = _upload(server, folder)
        people, orderer = _people(server, seen, file_id, seed)
        attackers = [
            Attacker(server, seen, file_id, f"{seed}-attack-{n}", _ATTACKING.format(n))
            for n in range(1, _ATTACKERS + 1)
        ]
        watch.start()
        with _live(database, began, seen, chaos):
            for person in (*people, *attackers):
                person.start()
            while (elapsed := time.monotonic() - began) < seconds or (
                chaos.missing and elapsed < seconds + _MOST_SECONDS
            ):
                chaos.happen()
            for attacker in attackers:
                attacker.stop()
            orderer.stop()
            left = orderer.wait_for_the_last()
            for person in people:
                person.stop()
        watch.stop()
        zombies = server.zombies_that_stay()
    finally:
        orphans = server.stop()
    with closing(Database(url)) as jobs:
        found = promises.look(jobs, Registry(place.place / "store"), seen, chaos.done["fill disk"] > 0)
    broken = [
        *found.broken,
        *seen.wrong,
        *promises.predictions(seen, server.down, chaos.kills),
        *creeping(list(watch.lives.values())),
        *(f"{name} made no progress any more and did not end" for name in left),
        *(f"{process.role} {process.pid} was left behind" for process in orphans),
        *(f"process {pid} has ended and nobody took notice" for pid in zombies),
        *(f"nobody could {name}: the round shows less than it should" for name in chaos.missing),
    ]
    return Round(
        database, seed, time.monotonic() - began, chaos.done, seen.answers, len(seen.unanswered), seen.refused,
        sum(attacker.answers.total() for attacker in attackers), _slow(seen), watch.highest(),
        promises.Found(found.states, found.attempts, found.repeated, broken),
    )  # fmt: skip


def _people(server: Server, seen: Seen, file_id: str, seed: str) -> tuple[list[Person], Orderer]:
    """One who asks for a digit again and again, one who draws, and one who orders jobs."""
    orderer = Orderer(server, seen, _HONEST.format(4), file_id, seed)
    digit = Asker(server, seen, _HONEST.format(2), png(strokes.unit(7, np.random.default_rng(7))), 0.05)
    return [digit, Asker(server, seen, _HONEST.format(3), bodies.drawing(), 0.3), orderer], orderer


def _slow(seen: Seen) -> tuple[float, float]:
    ordered = sorted(seen.seconds) or [0.0]
    return 1000 * ordered[len(ordered) // 2], 1000 * ordered[int(0.99 * len(ordered))]


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
    answer = ask(
        server,
        "POST",
        "/v1/files",
        _HONEST.format(4),
        files={"file": ("x.zip", data.getvalue())},
        data={"purpose": "fine-tune"},
    )
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
    roles = sorted({role for one in rounds for role in one.memory})
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
        "refused with 503": lambda one: one.refused,
        "ms, p50/p99": lambda one: f"{one.slow[0]:.0f}/{one.slow[1]:.0f}",
        "attacks answered": lambda one: one.attacks,
        **{f"MB, {role}": lambda one, role=role: one.memory.get(role, 0) for role in roles},  # type: ignore[misc]
        "BROKEN PROMISES": lambda one: len(one.found.broken),
    }
    for start in range(0, len(rounds), 4):  # four columns fit a terminal of 80
        print()
        for name, value in rows.items():
            print(f"{name:27}" + "".join(f"{value(one)!s:>12}" for one in rounds[start : start + 4]))


if __name__ == "__main__":
    sys.exit(main())
