"""What workers do with jobs: each job once, lost ones again, and nobody writes to what is no longer theirs."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from app.errors import Conflict
from app.jobs.job import Job, State
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.jobs.tables import say
from app.storage.db import Database
from tests.support.ordered import claimed, everything, expire, queued


def states(store: JobStore, job: Job) -> list[str]:
    events, _ = store.events(job.id, 1000)
    return [str((event.data or {})["state"]) for event in events if event.type == "state"]


def clock(database: Database) -> float:
    """Unix seconds, by the database's clock."""
    with database.reading() as connection:
        sqlite = connection.dialect.name == "sqlite"
        now = "(julianday('now') - 2440587.5) * 86400" if sqlite else "extract(epoch FROM clock_timestamp())"
        return float(connection.execute(text(f"SELECT {now}")).scalar_one())


def lease_end(database: Database, job: Job) -> float:
    with database.reading() as connection:
        query = text("SELECT lease_until FROM jobs WHERE id = :id")
        return float(connection.execute(query, {"id": job.id}).scalar_one())


def test_the_oldest_waits_least(database: Database, store: JobStore, leases: Leases) -> None:
    first, second, third, fourth = queued(database, 4)
    store.pause(second.id)
    store.cancel(third.id)
    held = [leases.claim("worker-1"), leases.claim("worker-2")]
    assert [job.id for job in held if job] == [first.id, fourth.id]
    assert leases.claim("worker-3") is None


def test_a_claimed_job(database: Database, store: JobStore, leases: Leases) -> None:
    before = clock(database)
    job = claimed(database, "worker-1")
    assert before + 15 <= lease_end(database, job) <= clock(database) + 15
    assert store.get(job.id) == job
    assert (job.state, job.worker, job.attempt, job.tries) == (State.RUNNING, "worker-1", 1, 1)
    assert job.started_at is not None and job.started_at > job.created_at
    assert states(store, job) == ["queued", "running"]


def test_eight_workers_take_forty_jobs_once_each(database: Database, leases: Leases) -> None:
    made = [job.id for job in queued(database, 40)]
    start = threading.Barrier(8)

    def work(number: int) -> list[Job]:
        start.wait()
        taken = []
        while job := leases.claim(f"worker-{number}"):
            taken.append(job)
            assert leases.publish(job) and leases.succeed(job, {"version": "digits@2"})
        return taken

    with ThreadPoolExecutor(8) as pool:
        taken = [job for mine in pool.map(work, range(8)) for job in mine]
    assert sorted(job.id for job in taken) == sorted(made)
    assert {(job.attempt, job.tries) for job in taken} == {(1, 1)}
    with database.reading() as connection:
        ends = "SELECT job, count(*) FROM events WHERE message = 'The job is done: digits@2.' GROUP BY job"
        assert [count for _, count in connection.execute(text(ends))] == [1] * 40


def test_a_lease_is_kept_by_every_word(database: Database, leases: Leases) -> None:
    job = claimed(database)
    keeping: Sequence[Callable[[], bool]] = (
        lambda: leases.beat(job),
        lambda: leases.tell(job, "info", "message", "words"),
        lambda: leases.publish(job),
        lambda: leases.beat(job, {"epoch": 1}),
    )
    for keep in keeping:
        expire(database)
        before = clock(database)
        assert keep()
        assert before + 15 <= lease_end(database, job) <= clock(database) + 15
    assert leases.claim("worker-2") is None


def test_a_lease_ends_by_itself(database: Database) -> None:
    (made,) = queued(database)
    short = Leases(database, lease_seconds=0.2)
    assert short.claim("worker-1")
    threading.Event().wait(0.25)
    second = short.claim("worker-2")
    assert second is not None
    assert (second.id, second.worker, second.attempt, second.tries) == (made.id, "worker-2", 2, 2)


def test_progress_is_the_last_that_was_said(database: Database, store: JobStore, leases: Leases) -> None:
    job = claimed(database)
    assert leases.beat(job, {"run": "training", "epoch": 1})
    assert leases.beat(job)
    assert store.get(job.id).progress == {"run": "training", "epoch": 1}
    assert len(store.events(job.id, 10)[0]) == 2


def writes(leases: Leases, job: Job) -> Sequence[Callable[[], bool]]:
    """Everything that a worker can say of a job."""
    return (
        lambda: leases.beat(job),
        lambda: leases.beat(job, {"epoch": 9}),
        lambda: leases.tell(job, "info", "metrics", "words", {"epoch": 9}),
        lambda: leases.along(job, lambda connection, job: say(connection, job.id, "info", "message", "words")),
        lambda: leases.publish(job),
        lambda: leases.succeed(job, {"version": "digits@9"}),
        lambda: leases.fail(job, "x", "words"),
        lambda: leases.release(job, "words", counts=True),
        lambda: leases.release(job, "words", counts=False),
    )


@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize("again", ["worker-1", "worker-2"])  # even the same worker, in its next attempt, is another
def test_a_zombie_writes_nothing(
    database: Database, store: JobStore, leases: Leases, published: bool, again: str
) -> None:
    zombie = claimed(database, "worker-1")
    assert not published or leases.publish(zombie)
    expire(database)
    mine = leases.claim(again)
    assert mine is not None and mine.id == zombie.id
    for _ in range(2):  # while the new one runs, and while it publishes
        before = everything(database)
        assert not any(write() for write in writes(leases, zombie))
        assert everything(database) == before
        leases.publish(mine)
    assert leases.succeed(mine, {"version": "digits@2"})
    before = everything(database)
    assert not any(write() for job in (zombie, mine) for write in writes(leases, job))
    assert everything(database) == before


@pytest.mark.parametrize("move", ["cancel", "pause"])
def test_what_people_stop_is_no_longer_the_workers(
    database: Database, store: JobStore, leases: Leases, move: str
) -> None:
    job = claimed(database)
    getattr(store, move)(job.id)
    before = everything(database)
    assert not any(write() for write in writes(leases, job))
    assert everything(database) == before
    assert store.get(job.id).worker is None


def test_nothing_succeeds_without_permission_to_publish(database: Database, leases: Leases) -> None:
    job = claimed(database)
    assert not leases.succeed(job, {"version": "digits@2"})
    assert leases.publish(job)
    assert leases.publish(job)  # the answer to the first may have been lost
    assert leases.succeed(job, {"version": "digits@2", "gate": "accepted"})
    assert not leases.succeed(job, {"version": "digits@2"})
    assert not leases.publish(job)


def cannot_be_stopped(store: JobStore, job: Job) -> None:
    for stop in (store.cancel, store.pause):
        with pytest.raises(Conflict) as caught:
            stop(job.id)
        assert caught.value.code == "job_state"


@pytest.mark.parametrize("lost", [True, False])  # the worker, or only what it started
def test_what_may_be_published_already_is_not_cancelled(
    database: Database, store: JobStore, leases: Leases, lost: bool
) -> None:
    job = claimed(database)
    assert leases.publish(job)
    if lost:
        expire(database)
    else:
        assert leases.release(job, "The training ended.", counts=True)
    cannot_be_stopped(store, job)
    again = leases.claim("worker-2")
    assert again is not None
    cannot_be_stopped(store, job)
    assert (again.id, again.state, again.attempt) == (job.id, State.PUBLISHING, 2)
    assert leases.publish(again)
    assert leases.succeed(again, {"version": "digits@2"})


def test_what_an_ended_job_shows(database: Database, store: JobStore, leases: Leases) -> None:
    job = claimed(database)
    leases.publish(job)
    leases.succeed(job, {"version": "digits@2", "gate": "accepted: 9 of 10"})
    ended = store.get(job.id)
    assert (ended.state, ended.worker, ended.lease_until) == (State.SUCCEEDED, None, None)
    assert ended.result == {"version": "digits@2", "gate": "accepted: 9 of 10"}
    assert ended.finished_at is not None and ended.started_at is not None
    assert ended.created_at < ended.started_at <= ended.finished_at
    events, _ = store.events(job.id, 10)
    assert [event.message for event in events][-1] == "The job is done: digits@2."
    assert states(store, job) == ["queued", "running", "succeeded"]


def test_which_jobs_ended(database: Database, store: JobStore, leases: Leases) -> None:
    old, new, waiting, unknown = queued(database, 4)
    for job in (old, new, unknown):
        store.cancel(job.id)
    with database.writing() as connection:
        connection.execute(text("UPDATE jobs SET finished_at = finished_at - 100 WHERE id = :id"), {"id": old.id})
    mine = [old.id, new.id, waiting.id, "ftjob-x"]
    assert set(leases.ended(mine)) == {old.id, new.id}
    assert leases.ended(mine, 50) == [old.id]
    assert leases.ended(mine, 150) == leases.ended([]) == []
