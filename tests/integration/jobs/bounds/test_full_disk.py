"""A job on a full disk: its database can take no more, and it ends all the same."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from app.errors import StorageFull
from app.jobs.housekeeping import Housekeeping
from app.jobs.job import Job, State
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.jobs.worker import Worker
from app.storage.db import Database
from models_store.registry import Registry
from tests.support.disks import fill, mounted
from tests.support.ordered import claimed, expire
from tests.support.patience import PATIENCE_SECONDS
from tests.support.played import EPOCH, RESULT, Played, World


@contextmanager
def full(place: Path, database: Database) -> Iterator[None]:
    """Room is held back, and no byte is free besides, not even in what SQLite wrote before: somebody reads."""
    assert database.ballast is not None
    database.ballast.make()
    assert database.ballast.bytes()
    with database.reading() as reader:
        reader.execute(text("SELECT count(*) FROM jobs"))
        fill(place)
        yield


def crashed(leases: Leases, job: Job) -> bool:
    return leases.release(job, "It crashed.", counts=True)


def stopped(leases: Leases, job: Job) -> bool:
    return leases.release(job, "The worker was stopped.", counts=False)


def failed(leases: Leases, job: Job) -> bool:
    return leases.fail(job, "storage_full", "The disk is full.")


def lost(leases: Leases, job: Job) -> bool:
    return [one.id for one in leases.give_up_lost()] == [job.id]


@pytest.mark.parametrize(
    ("end", "tries", "state"),
    [(crashed, 3, State.QUEUED), (crashed, 1, State.FAILED), (stopped, 1, State.QUEUED), (failed, 1, State.FAILED),
     (lost, 1, State.FAILED)],
)  # fmt: skip
def test_whoever_holds_a_job_can_end_it(
    tmp_path: Path, end: Callable[[Leases, Job], bool], tries: int, state: State
) -> None:
    with mounted(tmp_path / "disk", "48m") as place, ExitStack() as stack:
        database = Database(f"sqlite:///{place / 'jobs.db'}", PATIENCE_SECONDS)
        stack.callback(database.close)
        job, leases = claimed(database), Leases(database, max_tries=tries)
        if end is lost:
            expire(database)
        with full(place, database):
            with pytest.raises(StorageFull):
                for _ in range(100):  # until what SQLite has of the disk is used up
                    leases.tell(job, "info", "message", 2000 * "x")
            assert end(leases, job)
        assert JobStore(database).get(job.id).state == state


def test_a_job_whose_database_can_take_no_more_fails_and_says_why(tmp_path: Path, registry: Registry) -> None:
    with mounted(tmp_path / "disk", "48m") as place, ExitStack() as stack:
        world = World(place, registry)
        stack.callback(world.database.close)
        world.root = tmp_path / "jobs"
        world.queued()
        fills = lambda: stack.enter_context(full(place, world.database))  # noqa: E731
        job = world.attempt(Played(None, fills, *[{**EPOCH, "run": 2000 * "x"}] * 100))
        assert job.state == State.FAILED and job.error is not None and job.error["code"] == "storage_full"
        assert world.played.signals == ["TERM"]
        stack.pop_all().close()


def test_a_job_waits_while_the_disk_is_full_and_runs_when_there_is_room(tmp_path: Path, registry: Registry) -> None:
    with mounted(tmp_path / "disk", "48m") as place, ExitStack() as stack:
        world = World(place, registry)
        stack.callback(world.database.close)
        job = world.queued()
        world.played = Played(EPOCH, {"event": "ready"}, None, RESULT, 0)
        housekeeping = Housekeeping(world.leases, world.folders, 7)
        attempt = lambda claimed: world.attempt_at(claimed, world.played)  # noqa: E731
        worker = Worker(world.leases, attempt, housekeeping, world.folders.check_room)
        fill(place)
        with pytest.raises(StorageFull):
            worker.step(world.wait)
        assert world.store.get(job).state == State.QUEUED
        (place / "filler").unlink()
        assert worker.step(world.wait)
        assert world.store.get(job).state == State.SUCCEEDED
