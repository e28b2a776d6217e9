"""How often a job is tried: what counts as a try, and what becomes of a job after the last one."""

from app.jobs.job import Job, State
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.storage.db import Database
from tests.support.ordered import everything, expire, queued


def take(leases: Leases) -> Job:
    job = leases.claim("worker-1")
    assert job is not None
    return job


def test_a_crash_counts_and_the_third_is_the_last(database: Database, store: JobStore, leases: Leases) -> None:
    queued(database)
    for number in (1, 2):
        job = take(leases)
        assert (job.attempt, job.tries) == (number, number)
        assert leases.release(job, "It ran out of memory.", counts=True)
        assert store.get(job.id).state == State.QUEUED
    job = take(leases)
    assert leases.release(job, "It ran out of memory.", counts=True)
    failed = store.get(job.id)
    assert failed.state == State.FAILED
    assert failed.error is not None
    assert failed.error["code"] == "job_crashed"
    assert "3 times" in failed.error["message"] and "out of memory" in failed.error["message"]
    assert leases.claim("worker-1") is None
    events, _ = store.events(job.id, 100)
    assert [(event.type, event.level, event.data) for event in events][-1] == ("state", "error", {"state": "failed"})


def test_an_orderly_stop_and_a_pause_do_not_count(database: Database, store: JobStore, leases: Leases) -> None:
    queued(database)
    for number in range(1, 11):
        job = take(leases)
        assert (job.attempt, job.tries) == (number, 1)
        if number % 2:
            assert leases.release(job, "The worker was stopped.", counts=False)
        else:
            assert store.pause(job.id).tries == 0
            assert store.resume(job.id).state == State.QUEUED
    assert store.pause(job.id).tries == 0  # and pausing what only waits takes nothing away


def test_a_lost_worker_counts_and_the_third_is_the_last(database: Database, store: JobStore, leases: Leases) -> None:
    (made,) = queued(database)
    for number in (1, 2, 3):
        job = take(leases)
        assert (job.attempt, job.tries) == (number, number)
        assert leases.give_up_lost() == []  # it may still be heard of
        expire(database)
        if number < 3:
            assert leases.give_up_lost() == []  # there are tries left
    assert leases.claim("worker-2") is None
    (failed,) = leases.give_up_lost()
    assert failed == store.get(made.id)
    assert (failed.state, failed.worker, failed.lease_until) == (State.FAILED, None, None)
    assert failed.error is not None and failed.error["code"] == "job_lost"
    before = everything(database)
    assert leases.give_up_lost() == []
    assert not leases.beat(job)
    assert everything(database) == before


def test_all_lost_jobs_are_given_up_together(database: Database, store: JobStore) -> None:
    made = queued(database, 5)
    once = Leases(database, max_tries=1)
    taken = [take(once) for _ in range(3)]
    expire(database)
    assert {job.id for job in once.give_up_lost()} == {job.id for job in taken}
    assert [store.get(job.id).state for job in made] == [State.FAILED] * 3 + [State.QUEUED] * 2


def test_who_is_heard_of_after_the_lease_goes_on(database: Database, leases: Leases) -> None:
    queued(database)
    job = take(leases)
    expire(database)
    assert leases.beat(job)  # nobody took it meanwhile
    assert leases.claim("worker-2") is None
    assert leases.publish(job) and leases.succeed(job, {"version": "digits@2"})


def test_a_job_that_was_publishing_has_more_tries(database: Database, store: JobStore) -> None:
    """Its version may be there: a failed job with a version would be the worse answer."""
    leases = Leases(database, max_tries=1)
    queued(database)
    first = take(leases)
    assert leases.publish(first)
    expire(database)
    assert leases.give_up_lost() == []
    second = take(leases)
    assert (second.id, second.tries) == (first.id, 2)
    assert leases.release(second, "It crashed.", counts=True)
    assert store.get(first.id).state == State.FAILED
