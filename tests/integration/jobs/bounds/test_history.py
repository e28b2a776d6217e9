"""What is kept of ended jobs: how long, how many, and what goes along with a row."""

import pytest
from sqlalchemy import func, select, text

from app.errors import NotFound
from app.jobs.bounds.effort import PACE
from app.jobs.bounds.history import History
from app.jobs.bounds.room import JobLimits
from app.jobs.job import Job
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.jobs.tables import events
from app.storage.db import Database
from tests.support.ordered import add_file, order

DAY = 86_400


@pytest.fixture
def store(database: Database) -> JobStore:
    add_file(database)
    return JobStore(database)


def ended(store: JobStore, database: Database, days: float, key: str | None = None) -> Job:
    """A job that was cancelled so many days ago."""
    job = store.add(order(), key, key)
    store.cancel(job.id)
    with database.writing() as connection:
        changed = text("UPDATE jobs SET created_at = created_at - :s, finished_at = finished_at - :s WHERE id = :id")
        connection.execute(changed, {"s": days * DAY, "id": job.id})
    return job


def told(database: Database, job: Job) -> int:
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(events).where(events.c.job == job.id)).scalar_one()


def test_what_ended_long_ago_is_forgotten_with_all_that_was_said(store: JobStore, database: Database) -> None:
    old, new = ended(store, database, 11, "key"), ended(store, database, 9)
    waiting = store.add(order())
    assert History(database, 10).sweep() == 1
    with pytest.raises(NotFound, match="those that ended long ago are forgotten"):
        store.get(old.id)
    assert (told(database, old), told(database, new), told(database, waiting)) == (0, 2, 1)
    assert {job.id for job in store.list(10)[0]} == {new.id, waiting.id}
    assert store.add(order(), "key", "another request").id != old.id


def test_more_than_are_forgotten_at_once(store: JobStore, database: Database) -> None:
    ended(store, database, 11)
    with database.writing() as connection:
        columns = "state, created_at, finished_at, base, model, training_file, publish_to, promote, recipe, options"
        rest = "metadata, attempt, tries, events"
        for number in range(450):
            copy = f"INSERT INTO jobs (id, {columns}, {rest}) SELECT :id, {columns}, {rest} FROM jobs LIMIT 1"
            connection.execute(text(copy), {"id": f"ftjob-{number}"})
    assert History(database, 10).sweep() == 451
    assert store.list(10) == ([], False)


def test_for_ever(store: JobStore, database: Database) -> None:
    ended(store, database, 5000)
    assert History(database, 0).sweep() == 0
    assert len(store.list(10)[0]) == 1


def test_the_last_one_that_was_made_by_itself_stays(store: JobStore, database: Database) -> None:
    """The next one hangs on it: without it the same corrections would be learned again."""
    begin = "corrections of digits after "
    ended(store, database, 30, f"{begin}none")
    last = ended(store, database, 20, f"{begin}ftjob-1")
    ended(store, database, 20)
    assert History(database, 10).sweep() == 2
    assert [job.id for job in store.list(10)[0]] == [last.id]


def test_where_there_are_too_many_the_first_to_end_goes(database: Database) -> None:
    add_file(database)
    store = JobStore(database, JobLimits(kept=3))
    first, second = (ended(store, database, days) for days in (2, 1))
    waits = store.add(order())
    store.add(order())
    assert {job.id for job in store.list(10)[0]} >= {second.id, waits.id}
    with pytest.raises(NotFound):
        store.get(first.id)
    for _ in range(3):  # those that have not ended are never forgotten
        store.add(order())
    assert len(store.list(10)[0]) == 5


def test_the_pace_is_that_of_the_quickest_job(store: JobStore, database: Database, leases: Leases) -> None:
    history = History(database)
    assert history.pace() == PACE
    for worked in (100.0, 20.0, 50.0):
        store.add(order(pictures=100_000.0))
        job = leases.claim("worker-1")
        assert job is not None and leases.publish(job) and leases.succeed(job, {"version": "digits@2"})
        with database.writing() as connection:
            connection.execute(text("UPDATE jobs SET worked_seconds = :s WHERE id = :id"), {"s": worked, "id": job.id})
    assert history.pace() == 5000
