"""Leases where somebody sets the database's clock: rows are shifted, which is the same the other way round."""

import pytest
from sqlalchemy import text

from app.jobs.job import Job, State
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.storage.db import Database
from tests.support.ordered import claimed, expire, queued


def set_back(database: Database, seconds: float) -> None:
    """The clock goes back: all that is written lies later than it did."""
    columns = "lease_until", "created_at", "started_at", "finished_at"
    with database.writing() as connection:
        for column in columns:
            connection.execute(text(f"UPDATE jobs SET {column} = {column} + :by"), {"by": seconds})


def left(database: Database, job: Job) -> float:
    """Seconds until the lease is over."""
    sqlite = "(julianday('now') - 2440587.5) * 86400"
    with database.reading() as connection:
        now = sqlite if connection.dialect.name == "sqlite" else "extract(epoch FROM clock_timestamp())"
        query = text(f"SELECT lease_until - {now} FROM jobs WHERE id = :id")
        return float(connection.execute(query, {"id": job.id}).scalar_one())


@pytest.mark.parametrize("seconds", [20, 3600, 10 * 365 * 86_400])
def test_a_dead_workers_job_is_free_in_seconds_after_the_clock_went_back(
    database: Database, leases: Leases, seconds: float
) -> None:
    job = claimed(database)
    set_back(database, seconds)
    assert left(database, job) > 16
    assert leases.give_up_lost() == []  # what every worker does every two seconds
    assert left(database, job) <= 5
    with database.writing() as connection:  # those go by
        connection.execute(text("UPDATE jobs SET lease_until = lease_until - 5"))
    again = leases.claim("worker-2")
    assert again is not None and (again.id, again.attempt) == (job.id, 2)


def test_a_worker_that_lives_keeps_its_job_when_the_clock_goes_back(database: Database, leases: Leases) -> None:
    job = claimed(database)
    set_back(database, 3600)
    leases.give_up_lost()
    assert leases.claim("worker-2") is None
    assert leases.beat(job) and 14 < left(database, job) <= 15
    leases.give_up_lost()
    assert left(database, job) > 10  # a lease as it should be is left alone


def test_the_longer_lease_of_another_worker_is_no_mistake(database: Database, leases: Leases) -> None:
    queued(database)
    long = Leases(database, lease_seconds=600)
    job = long.claim("worker-1")
    assert job is not None
    leases.give_up_lost()
    assert left(database, job) > 590 and leases.claim("worker-2") is None


def test_a_lease_of_the_release_before_may_be_as_long_as_any(database: Database, leases: Leases) -> None:
    job = claimed(database)
    with database.writing() as connection:
        connection.execute(text("UPDATE jobs SET lease_seconds = NULL, lease_until = lease_until + 3000"))
    leases.give_up_lost()
    assert left(database, job) > 2000
    set_back(database, 3600)
    leases.give_up_lost()
    assert left(database, job) <= 5


class Seconds:
    """A clock that only a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_clock_set_forward_takes_no_job_from_a_worker_that_lives(database: Database, store: JobStore) -> None:
    """A leap is where two clocks go apart: here the database's stays what it is, and the other one goes back."""
    seconds = Seconds()
    leases = Leases(database, max_tries=1, clock=seconds)
    queued(database)
    job = leases.claim("worker-1")
    assert job is not None
    expire(database)
    seconds.now -= 3600  # an hour more has passed for the database than for us
    assert leases.claim("worker-2") is None and leases.give_up_lost() == []
    assert store.get(job.id).state == State.RUNNING and leases.leaps == 1
    assert leases.beat(job)
    seconds.now += 3.5  # of which the database does not know: a small leap back
    assert leases.give_up_lost() == [] and store.get(job.id).state == State.RUNNING


def test_a_worker_that_does_not_come_back_after_a_leap_loses_its_job(database: Database) -> None:
    seconds = Seconds()
    leases = Leases(database, clock=seconds)
    queued(database)
    assert leases.claim("worker-1")
    expire(database)
    seconds.now -= 3600
    assert leases.claim("worker-2") is None
    seconds.now += 3.1
    assert leases.claim("worker-2") is not None


def test_jobs_ended_however_their_end_is_dated(database: Database, store: JobStore, leases: Leases) -> None:
    (job,) = queued(database)
    store.cancel(job.id)
    set_back(database, 3600)
    assert leases.ended([job.id]) == [job.id]
