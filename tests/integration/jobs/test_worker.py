"""The worker's loop around attempts: what it does with jobs that can't begin, and what it clears away."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from app.background import create_worker
from app.errors import DatabaseUnavailable
from app.files.store import FileStore
from app.jobs.housekeeping import Housekeeping
from app.jobs.job import Job, State
from app.jobs.launcher import Launcher
from app.jobs.leases import Leases
from app.jobs.worker import Worker
from app.settings import WorkerSettings
from app.storage.db import Database
from models_store.registry import Registry
from tests.support.played import RESULT, Played, World
from tests.system.training.test_disk import Disk, disk

__all__ = ["disk"]  # the fixture


def worker(world: World, launcher: Launcher, files: FileStore | None = None) -> Worker:
    if files is not None:
        world.path_of = files.path
    housekeeping = Housekeeping(world.leases, world.folders, 7, clock=lambda: world.now)
    return Worker(world.leases, lambda job: world.attempt_at(job, launcher), housekeeping)


def played(world: World, *steps: object) -> Played:
    world.played = Played(*steps)  # type: ignore[arg-type]
    return world.played


def test_without_a_job_there_is_nothing_to_do(world: World) -> None:
    world.store.cancel("ftjob-1")
    assert not worker(world, played(world)).step(world.wait)


@pytest.mark.parametrize("target", ["nothing", "state"])
def test_a_state_folder_that_is_none_is_waited_for(tmp_path: Path, target: str) -> None:
    """A link to nothing, and one to itself."""
    (tmp_path / "state").symlink_to(tmp_path / target)
    settings = WorkerSettings(store_dir=tmp_path / "store", state_dir=tmp_path / "state")
    with closing(Database(settings.database)) as database:
        made = create_worker(settings, Registry(settings.store_dir), database, threads=1)
        with pytest.raises(DatabaseUnavailable):
            made.step(lambda _: True)


def test_a_job_whose_file_is_gone_fails_and_says_so(world: World) -> None:
    worker(world, played(world), FileStore(world.database, world.root.parent)).step(world.wait)
    job = world.store.get("ftjob-1")
    assert job.state == State.FAILED and job.error is not None and job.error["code"] == "file_not_found"


class Refusing:
    """A launcher that can't launch."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def start(self, folder: Path) -> Played:
        raise self._error


@pytest.mark.parametrize("error", [BlockingIOError("no process to be had"), RuntimeError("a bug")])
def test_what_cannot_be_begun_is_tried_three_times(world: World, error: Exception) -> None:
    for tries in (1, 2):
        assert worker(world, Refusing(error)).step(world.wait)
        assert world.store.get("ftjob-1").tries == tries
    worker(world, Refusing(error)).step(world.wait)
    job = world.store.get("ftjob-1")
    assert job.state == State.FAILED and job.error is not None and job.error["code"] == "job_crashed"


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_full_disk_fails_the_job_and_says_so(world: World, disk: Disk, size: int) -> None:
    """Where the training has no room for a line, and where its data have none."""
    if not disk.mounted:
        pytest.skip("no disk of its own can be mounted here")
    world.root = disk.folder / "jobs"
    world.upload.write_bytes(bytes(size))
    with disk.full(room=40_000):
        worker(world, played(world, 2)).step(world.wait)
    job = world.store.get("ftjob-1")
    assert job.state == State.FAILED and job.error is not None and job.error["code"] == "storage_full"


class Away(Leases):
    """Leases of a database that does not answer the first claims."""

    def __init__(self, database: Database, refusals: int) -> None:
        super().__init__(database)
        self._refusals = refusals

    def claim(self, worker: str) -> Job | None:
        self._refusals -= 1
        if self._refusals >= 0:
            raise DatabaseUnavailable("database_unavailable", "Away.")
        return super().claim(worker)


def test_it_waits_for_the_database_and_works_on(world: World) -> None:
    world.leases = Away(world.database, 3)
    ended: Callable[[], object] = lambda: setattr(world, "stop_at", 0)  # noqa: E731
    training = played(world, *[None] * 4, {"event": "ready"}, None, RESULT, 0, None, ended)
    worker(world, training).work(world.wait)
    assert world.store.get("ftjob-1").state == State.SUCCEEDED


def test_attempts_and_jobs_are_counted_by_how_they_ended(world: World) -> None:
    measures = world.leases._measures
    for _ in range(3):
        worker(world, Refusing(BlockingIOError("no process to be had"))).step(world.wait)
    assert measures.job_attempts.cells() == {("released",): [2], ("failed",): [1]}
    assert {outcome: sum(cell[:-1]) for outcome, cell in measures.job_seconds.cells().items()} == {("failed",): 1}
