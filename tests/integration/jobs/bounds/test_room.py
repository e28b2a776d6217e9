"""How many jobs may wait, of everybody and of one client; who is quicker makes no difference."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.errors import TooBusy
from app.jobs.bounds.room import JobLimits, job_limits
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.settings import WorkerSettings
from app.storage.db import Database
from tests.support.ordered import add_file, order


@pytest.fixture
def store(database: Database) -> JobStore:
    add_file(database)
    return JobStore(database, JobLimits(waiting=4, waiting_of_client=2))


def refused(store: JobStore, client: str | None = None) -> str:
    with pytest.raises(TooBusy) as refusal:
        store.add(order(), client=client)
    assert refusal.value.code == "too_many_jobs"
    return str(refusal.value)


def test_one_client_leaves_room_for_others(store: JobStore) -> None:
    first = store.add(order(), client="10.0.0.1")
    store.add(order(), client="10.0.0.1")
    assert "2 jobs of your address" in refused(store, "10.0.0.1")
    store.pause(first.id)  # still needs what lies on the disk
    assert "2 jobs of your address" in refused(store, "10.0.0.1")
    store.add(order(), client="10.0.0.2")
    store.add(order())  # one that is made by itself
    assert "4 jobs wait or are paused" in refused(store, "10.0.0.3")
    assert "4 jobs wait or are paused" in refused(store)
    assert len(store.list(10)[0]) == 4
    store.cancel(first.id)
    store.add(order(), client="10.0.0.1")


def test_a_job_that_runs_waits_no_more(store: JobStore, leases: Leases) -> None:
    for _ in range(2):
        store.add(order(), client="10.0.0.1")
    assert leases.claim("worker-1")
    store.add(order(), client="10.0.0.1")


def test_the_same_key_is_answered_however_many_wait(store: JobStore) -> None:
    known = store.add(order(), "key", "digest", client="10.0.0.1")
    store.add(order(), client="10.0.0.1")
    assert store.add(order(), "key", "digest", client="10.0.0.1") == known


def test_twenty_at_once_make_as_many_as_may_wait(store: JobStore) -> None:
    def add(number: int) -> bool:
        try:
            store.add(order(), client=f"10.0.0.{number % 10}")
        except TooBusy:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(add, range(20))) == 4


def test_the_operator_says_how_many() -> None:
    settings = WorkerSettings(jobs_max_waiting=7, jobs_max_per_client=3, jobs_max=9)
    assert job_limits(settings) == JobLimits(waiting=7, waiting_of_client=3, kept=9)
