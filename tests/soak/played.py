"""One round: a server of its own with everybody around it, from its start until what was promised is looked at."""

import io
import shutil
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from app.storage.db import Database
from tests.soak import promises
from tests.soak.asker import Asker
from tests.soak.attackers import Attacker
from tests.soak.blunderer import Blunderer
from tests.soak.chaos import Chaos
from tests.soak.disk import Disk, disk
from tests.soak.follower import Follower
from tests.soak.givers import Corrector, Uploader
from tests.soak.orderer import Orderer
from tests.soak.people import FILES, PICTURES, Person, Seen, ask
from tests.soak.promoter import Promoter
from tests.soak.questions import answers, questions
from tests.soak.scraper import Scraper
from tests.soak.server import Server
from tests.soak.table import Round
from tests.soak.watch import Watch, creeping
from tests.support.databases import Postgres, programs, started
from tests.system.harness import drawn

_HONEST, _ATTACKING = "127.0.0.{}", "127.0.66.{}"  # where people come from: this machine has all of 127.0.0.0/8
_ATTACKERS = 4
_DRAIN_SHARE, _DRAIN_SECONDS = 0.2, 60.0  # of a round, and at most: no new work, until what was ordered has ended
_MORE_SECONDS = 60  # that a round goes on for accidents that have not happened yet


def played(database: str, seed: str, seconds: float, every_seconds: float) -> Round:
    """A round on a database of this kind, with an accident every so many seconds."""
    folder = Path(tempfile.mkdtemp(prefix="digitserve-soak-"))
    began = time.monotonic()
    try:
        with _postgres(database) as postgres, disk(folder) as place:
            found = _played(folder, place, postgres, seed, (began, seconds, every_seconds))
    except BaseException:
        print(f"\nwhat is left of this round: {folder}")
        raise
    if found.found.broken:
        print(f"\nwhat is left of this round: {folder}")
    else:
        shutil.rmtree(folder)
    return found


def _played(
    folder: Path, place: Disk, postgres: Postgres | None, seed: str, times: tuple[float, float, float]
) -> Round:
    (began, seconds, every), database = times, "postgresql" if postgres else "sqlite"
    state = place.place / "state" / "digitserve.db"
    url = postgres.url("postgres") if postgres else f"sqlite:///{state}"
    server, seen = Server(folder, place.place, url), Seen()
    drain = min(_DRAIN_SHARE * seconds, _DRAIN_SECONDS)
    latest = began + seconds - drain
    try:
        server.start()
        people, orderer, attackers = _everybody(server, seen, folder, seed)
        chaos, watch = Chaos(server, seen, postgres, place, f"{seed}-chaos"), Watch(server)
        chaos.begin(latest, every)
        watch.start()
        with _live(database, began, seen, chaos):
            for person in (*people, *attackers):
                person.start()
            while (now := time.monotonic()) < latest or (chaos.missing and now < latest + _MORE_SECONDS):
                chaos.happen(latest if now < latest else latest + _MORE_SECONDS)
            for attacker in attackers:
                attacker.stop()
            orderer.stop()
            left = orderer.wait_for_the_last(drain)
            for person in people:
                person.stop()
        watch.stop()
        zombies = server.zombies_that_stay()
    except BaseException:
        print("\n".join(f"BROKEN, before it was given up: {line}" for line in seen.wrong))
        raise
    finally:
        orphans = server.stop()
    with closing(Database(url)) as jobs:
        found = promises.look(jobs, place.place, seen, chaos.done["fill disk"] > 0)
    broken = [
        *found.broken,
        *seen.wrong,
        *promises.predictions(seen, server.down, chaos.kills),
        *creeping(list(watch.lives.values())),
        *(f"{name} made no progress any more and did not end" for name in left),
        *(f"{process.role} {process.pid} was left behind" for process in orphans),
        *(f"process {pid} has ended and nobody took notice" for pid in zombies),
        *(f"nobody could {name}: the round shows less than it should" for name in chaos.missing),
        *(f"no {kind} were done: the round shows less than it should" for kind in _never(people, seen)),
    ]
    return Round(
        database, seed, time.monotonic() - began, chaos.done, seen.done, seen.later, len(seen.unanswered),
        sum(attacker.answers.total() for attacker in attackers), _slow(seen), watch.highest(), list(watch.trends()),
        promises.Found(found.states, found.attempts, found.repeated, broken),
    )  # fmt: skip


def _everybody(server: Server, seen: Seen, folder: Path, seed: str) -> tuple[list[Person], Orderer, list[Attacker]]:
    """Each at an address of their own. Those who ask learn first, while all is quiet, what is right."""
    homes = map(_HONEST.format, range(3, 30))
    asked = questions(server, _HONEST.format(2))
    file_id = _upload(server, folder)
    orderer = Orderer(server, seen, next(homes), file_id, seed)
    people: list[Person] = [
        Asker(server, seen, next(homes), f"{seed}-predictions", asked.pop("predictions"), 0.05),
        *(Asker(server, seen, next(homes), f"{seed}-{kind}", each, 0.5) for kind, each in asked.items()),
        orderer,
        Uploader(server, seen, next(homes), f"{seed}-uploads"),
        Corrector(server, seen, next(homes), f"{seed}-corrections"),
        Promoter(server, seen, next(homes), f"{seed}-promotions"),
        Blunderer(server, seen, next(homes), f"{seed}-blunders"),
        *(Follower(server, seen, next(homes), f"{seed}-follows-{number}") for number in range(2)),
    ]
    if answers(server, next(homes), "/metrics"):
        people.append(Scraper(server, seen, next(homes)))
    attackers = [
        Attacker(server, seen, file_id, f"{seed}-attack-{n}", _ATTACKING.format(n)) for n in range(1, _ATTACKERS + 1)
    ]
    return people, orderer, attackers


def _never(people: list[Person], seen: Seen) -> list[str]:
    """Kinds of work that somebody was there for, and that were never done."""
    wanted = {"jobs ordered", "uploads", "corrections", "promotions", "bad input", "streams", *PICTURES[:5]}
    wanted |= {"scrapes"} if any(isinstance(person, Scraper) for person in people) else set()
    return sorted(kind for kind in wanted if not seen.done[kind])


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
    form = {"files": {"file": ("x.zip", data.getvalue())}, "data": {"purpose": "fine-tune"}}
    answer = ask(server, "POST", FILES, _HONEST.format(2), **form)
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
                f"{database:10} {minutes:02}:{seconds:02} | work {seen.done.total()} | jobs {len(seen.keys)}, open "
                f"{seen.open} | accidents {chaos.done.total()} | wrong {len(seen.wrong)}"
            )
            print(f"\r{line:<79}" if is_terminal else line, end="" if is_terminal else "\n", flush=True)

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        print()
