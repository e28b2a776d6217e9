"""What is deleted is gone: a picture is planted, deleted in each way there is, and every byte of the state is searched
for it: for the picture as it came, as it is kept, its thumbnail, the sketch and the digest of its pixels in rows.
"""

import base64
import json
import os
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.feedback.held import Chosen, HeldBack
from app.feedback.tables import feedback
from app.files.store import nobody
from app.jobs.housekeeping import Housekeeping
from app.jobs.job import FEEDBACK
from app.review.store import ReviewStore, Uncertain
from app.review.tables import review
from app.shadow.record import Difference, Readings
from app.storage import journal
from app.storage.db import Database
from models_store.registry import Registry
from tests.conftest import republished
from tests.integration.security.planted import LONG_AGO, Home, Planted
from tests.support.patience import PATIENCE_SECONDS


@pytest.fixture
def home(tmp_path: Path, registry: Registry) -> Iterator[Home]:
    state = tmp_path / "state"
    made = Home(state, registry, Database(f"sqlite:///{state / 'digitserve.db'}", PATIENCE_SECONDS))
    yield made
    made.database.close()


def single(home: Home, name: str) -> None:
    home.feedback.delete(name)


def of_a_giver(home: Home, name: str) -> None:
    assert home.feedback.delete_all(None, "key:0a1b", 0.0, 2.0**40) == 1


def held(home: Home, name: str) -> None:
    with home.database.writing() as connection:
        values = {"held": "alike", "held_by": "ftjob-1", "held_at": 1.0, "held_group": "x"}
        connection.execute(feedback.update().where(feedback.c.id == name).values(values))
    assert HeldBack(home.database, home.feedback).remove(Chosen(ids=[name])) == 1


def past_its_days(home: Home, name: str) -> None:
    home.dated("feedback", "changed_at")
    home.feedback.sweep(kept_days=1)


@pytest.mark.parametrize("delete", [single, of_a_giver, held, past_its_days])
def test_a_correction(home: Home, delete: Callable[[Home, str], None]) -> None:
    planted, stays = Planted.of(1), Planted.of(2)
    name = home.correct(planted)
    home.correct(stays, "key:ffff")
    assert home.found(planted) >= {"picture", "thumbnail", "digest"}
    others = home.found(stays)
    delete(home, name)
    assert home.found(planted) == set()
    assert home.found(stays) == (set() if delete is past_its_days else others)  # where days count, it is as old


def dismissed(home: Home, name: str, planted: Planted) -> None:
    home.review.delete(name)


def answered(home: Home, name: str, planted: Planted) -> None:
    home.review.answered("digits", planted.stripped.sha256)


def too_old(home: Home, name: str, planted: Planted) -> None:
    home.dated("review", "created_at")
    home.review.sweep()


def one_too_many(home: Home, name: str, planted: Planted) -> None:
    small = ReviewStore(home.database, home.state, max_pictures=1, spare_bytes=0)
    home.dated("review", "created_at")
    other = Planted.of(5)
    small.add(Uncertain("digits@1", {"3": 0.5}, other.stripped, other.sketch))


@pytest.mark.parametrize("delete", [dismissed, answered, too_old, one_too_many])
def test_an_uncertain_picture(home: Home, delete: Callable[[Home, str, Planted], None]) -> None:
    planted = Planted.of(3)
    name = home.doubt(planted)
    assert home.found(planted) >= {"picture", "thumbnail", "digest", "sketch"}
    delete(home, name, planted)
    assert home.found(planted) == set()


@pytest.mark.parametrize("packed", ["zip", "lines"])
@pytest.mark.parametrize("how", ["asked", "past its days"])
def test_a_data_set(home: Home, packed: str, how: str, tmp_path: Path) -> None:
    planted = Planted.of(4)
    if packed == "zip":
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            archive.writestr("7/a.png", planted.sent)
        data = (tmp_path / "x.zip").read_bytes()
    else:
        data = json.dumps({"image": base64.b64encode(planted.sent).decode(), "label": "7"}).encode()
    file = home.upload(data)
    assert {"zip": "sent", "lines": "base64"}[packed] in home.found(planted)
    if how == "asked":
        home.files.delete(file, nobody)
    else:
        home.dated("files", "created_at")
        home.files.sweep(kept_days=1)
    assert home.found(planted) == set()


@pytest.mark.parametrize("how", ["labelled", "ended"])
def test_a_difference_in_shadow(home: Home, how: str) -> None:
    planted = Planted.of(6)
    republished(home.registry)
    home.registry.promote("digits", 2, expected=None, alias="challenger")
    shadow = home.keeper.look("digits")
    assert shadow is not None
    picture = home.sample.add(shadow, Difference(Readings("3", "5", 0.75, 0.8), planted.stripped), 0.5)
    assert picture is not None and home.found(planted) >= {"picture", "thumbnail", "digest"}
    if how == "labelled":
        home.sample.sheet(shadow)
        home.keeper.label("digits", picture, "3")
        assert home.found(planted) == {"digest"}  # so that the same one is not asked about again
    home.keeper.end("digits")
    assert home.found(planted) == set()


def test_the_copy_of_a_job_that_runs_goes_with_its_end(home: Home) -> None:
    planted = Planted.of(7)
    name = home.correct(planted)
    job = home.job(FEEDBACK)
    home.feedback.delete(name)
    home.tidy.look()
    assert "picture" in home.found(planted)  # as its answer says
    home.leases.publish(job)
    home.leases.succeed(job, {"version": "digits@2", "accepted": True})
    said = [event.message for event in home.jobs.events(job.id, 100)[0]]
    assert any("1 correction that it learned was deleted while it ran" in message for message in said)
    Housekeeping(home.leases, home.folders, 7).look()
    assert home.found(planted) == set()


@pytest.mark.parametrize("move", ["pause", "cancel", "released", "lost"])
def test_a_job_at_which_nobody_works_has_no_copy(home: Home, move: str) -> None:
    planted = Planted.of(8)
    name = home.correct(planted)
    job = home.job(FEEDBACK)
    home.feedback.delete(name)
    if move == "released":
        home.leases.release(job, "The worker was stopped.", counts=False)
    elif move == "lost":
        with home.database.writing() as connection:
            connection.exec_driver_sql("UPDATE jobs SET lease_until = 1")
        again = home.leases.claim("another")
        assert again is not None and again.attempt == 2
    else:
        getattr(home.jobs, move)(job.id)
    home.tidy.look()
    assert home.found(planted) == set()


def test_what_a_killed_process_left_goes_with_the_next_sweep(home: Home) -> None:
    """The row was deleted, and nobody was left to take the bytes away."""
    planted = Planted.of(9)
    name = home.correct(planted)
    with home.database.writing() as connection:
        connection.execute(feedback.delete().where(feedback.c.id == name))
    assert home.found(planted) >= {"picture"}
    for path in (home.state / "feedback" / name, *(home.state / "feedback" / name).iterdir()):
        os.utime(path, (LONG_AGO, LONG_AGO))
    home.feedback.sweep()
    assert home.found(planted) == set()


def test_the_search_would_find_what_sqlite_leaves_by_itself(home: Home) -> None:
    """Without that it overwrites what is deleted, the sketch of a picture stays in a free page."""
    planted = Planted.of(10)
    home.doubt(planted)
    journal.empty(home.state / "digitserve.db")
    careless = sqlite3.connect(home.state / "digitserve.db")
    careless.execute("PRAGMA secure_delete=OFF")
    careless.execute("DELETE FROM review")
    careless.commit()
    careless.close()
    assert "sketch" in home.found(planted) and review.name == "review"


def test_the_journal_is_emptied_only_when_nobody_reads(home: Home) -> None:
    planted = Planted.of(11)
    name = home.doubt(planted)
    file = home.state / "digitserve.db"
    with home.database.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM review").scalar()
        home.review.delete(name)
        assert not journal.empty(file)
    assert journal.empty(file) and home.found(planted) == set()
