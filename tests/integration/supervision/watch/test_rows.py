"""What is in the database, counted on both of them; and what is known where it does not answer."""

import shutil
from contextlib import closing
from pathlib import Path

from sqlalchemy import text

from app.feedback.store import FeedbackStore
from app.jobs.job import State
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.review.store import ReviewStore
from app.shadow.record import Pair
from app.storage.db import Database
from app.supervision.watch.rows import Inventory, RowCounts
from models_store.registry import Registry
from tests.integration.shadow.shadowing import PAIR, Stage
from tests.support import correcting, reviewing
from tests.support.ordered import add_file, queued


def counted(database: Database) -> Inventory:
    found = RowCounts(database).look()
    assert found is not None
    return found


def test_an_empty_database_has_nothing(database: Database) -> None:
    found = counted(database)
    assert found == Inventory()
    assert set(found.jobs) == set(State) and not any(found.jobs.values())


def test_jobs_by_state_and_how_old_they_are(database: Database, store: JobStore) -> None:
    jobs = queued(database, 4)
    lease = Leases(database).claim("worker-1")
    assert lease is not None and lease.id == jobs[0].id
    store.cancel(jobs[3].id)
    found = counted(database)
    assert {state: count for state, count in found.jobs.items() if count} == {
        State.QUEUED: 2, State.RUNNING: 1, State.CANCELLED: 1,
    }  # fmt: skip
    assert found.heartbeat_age is not None and 0 <= found.heartbeat_age < 300
    assert found.waiting_age is not None and found.waiting_age > 1e9, "they were made at the beginning of time"
    with database.writing() as connection:
        connection.execute(text("UPDATE jobs SET lease_until = lease_until - 3600 WHERE state = 'running'"))
    silent = counted(database).heartbeat_age
    assert silent is not None and 3600 <= silent < 3900


def test_a_job_that_nobody_holds_has_no_heartbeat(database: Database) -> None:
    """One that was given back while it was published is free at once."""
    queued(database)
    Leases(database).claim("worker-1")
    with database.writing() as connection:
        connection.execute(text("UPDATE jobs SET state = 'publishing', lease_until = 0"))
    assert counted(database).heartbeat_age is None


def test_what_people_have_sent(database: Database, feedback: FeedbackStore, tmp_path: Path) -> None:
    for seed in range(4):
        correcting.put(feedback, seed, "7")
    with database.writing() as connection:
        connection.execute(text("UPDATE feedback SET job = 'ftjob-1' WHERE id = (SELECT min(id) FROM feedback)"))
        connection.execute(text("UPDATE feedback SET held = 'marks' WHERE id = (SELECT max(id) FROM feedback)"))
        size = connection.execute(text("SELECT sum(bytes) FROM feedback")).scalar_one()
    pictures = ReviewStore(database, tmp_path / "state", spare_bytes=0)
    for seed in range(3):
        reviewing.kept(pictures, seed)
    add_file(database, "file-1")
    add_file(database, "file-2")
    found = counted(database)
    assert (found.corrections, found.corrections_waiting, found.corrections_held) == (4, 2, 1)
    assert found.corrections_bytes == size > 0
    assert (found.uncertain_pictures, found.files, found.files_bytes) == (3, 2, 2)


def test_a_challenger_in_shadow(database: Database, registry: Registry, tmp_path: Path) -> None:
    stage = Stage.of(registry, database, tmp_path)
    stage.challenge()
    stage.keeper.count(PAIR, 15, 2)
    (found,) = counted(database).shadows
    assert (found.pair, found.compared, found.differed) == (Pair("digits", 1, 2), 15, 2)
    stage.keeper.end("digits")
    assert counted(database).shadows == ()


def test_where_there_is_no_database_yet_nothing_is_made(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'state' / 'digitserve.db'}")) as database:
        assert RowCounts(database).look() == Inventory()
    assert not (tmp_path / "state").exists()


def test_where_it_does_not_answer_nothing_is_known() -> None:
    with closing(Database("postgresql://nobody@127.0.0.1:1/none", 1.0)) as database:
        assert RowCounts(database).look() is None


def test_what_is_no_database_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "digitserve.db").write_bytes(b"no database" * 100)
    with closing(Database(f"sqlite:///{tmp_path / 'digitserve.db'}")) as database:
        assert RowCounts(database).look() is None


def test_one_that_was_there_and_is_gone_does_not_answer(tmp_path: Path) -> None:
    """Its disk went away."""
    file = tmp_path / "state" / "digitserve.db"
    with closing(Database(f"sqlite:///{file}")) as database:
        counts = RowCounts(database)
        with database.reading():
            pass
        assert counts.look() == Inventory()
        database.close()
        shutil.rmtree(file.parent)
        assert counts.look() is None
        assert not file.parent.exists()
