"""What workers do beside their jobs: whose pictures go when, and that nothing there stops a job."""

from pathlib import Path

from app.jobs.housekeeping import Housekeeping
from app.jobs.job import State
from app.storage.db import Database
from tests.support.played import RESULT, Played, World

KEPT = ["events.jsonl", "recipe.json"]


def housekeeping(world: World, kept_days: float = 7, **given: object) -> Housekeeping:
    return Housekeeping(world.leases, world.folders, kept_days, clock=lambda: world.now, **given)  # type: ignore[arg-type]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def trained(world: World) -> Path:
    """The folder of a job that was trained to its end."""
    training = Played({"event": "ready"}, None, RESULT, 0)
    assert world.attempt(training).state == State.SUCCEEDED
    return training.folder


def test_an_ended_jobs_folder_keeps_what_was_said_and_no_picture(world: World) -> None:
    folder = trained(world)
    assert "file-a" in names(folder)
    housekeeping(world).look()
    assert names(folder) == KEPT


def test_a_paused_job_keeps_what_it_goes_on_from_and_nobodys_pictures(world: World) -> None:
    world.stop_at = 0.3
    world.attempt(training := Played())  # given back by a worker that was stopped
    (training.folder / "training.pt").touch()
    world.store.pause("ftjob-1")
    tidy = housekeeping(world)
    tidy.look()
    assert names(training.folder) == sorted([*KEPT, "training.pt"])
    world.store.cancel("ftjob-1")
    world.now += 3
    tidy.look()
    assert names(training.folder) == KEPT


def test_who_works_at_a_job_keeps_its_pictures_and_earlier_attempts_do_not(world: World) -> None:
    world.stop_at = 0.3
    world.attempt(first := Played())
    job = world.leases.claim("another")
    assert job is not None and job.attempt == 2
    second = world.folders.prepare(job)
    housekeeping(world).look()
    assert "file-a" in names(second) and names(first.folder) == KEPT


def test_a_job_that_its_workers_lost_is_given_up_and_its_pictures_go(world: World) -> None:
    world.stop_at = 0.3
    world.attempt(training := Played())
    for _ in range(3):
        assert world.leases.claim("one that dies") is not None
        with world.database.writing() as connection:
            connection.exec_driver_sql("UPDATE jobs SET lease_until = 1")
    housekeeping(world).look()
    assert world.store.get("ftjob-1").state == State.FAILED
    assert names(training.folder) == KEPT


def test_folders_go_after_their_days(world: World) -> None:
    folder = trained(world)
    housekeeping(world).look()
    assert folder.exists()
    housekeeping(world, kept_days=0).look()
    assert list(world.root.iterdir()) == []


def test_it_looks_every_two_seconds_and_clears_every_hour(world: World) -> None:
    swept: list[float] = []
    tidy = housekeeping(world, sweep=lambda: swept.append(world.now))
    for _ in range(4000):
        tidy.look()
        world.now += 1
    assert swept == [0, 3600]


def test_no_error_leaves_it_and_it_tries_again(world: World) -> None:
    tries: list[float] = []

    def broken() -> None:
        tries.append(world.now)
        raise PermissionError(13, "Permission denied")

    tidy = housekeeping(world, sweep=broken)
    for _ in range(3):
        tidy.look()
        world.now += 2
    assert tries == [0, 2, 4]
    tidy = Housekeeping(
        type(world.leases)(Database("postgresql://nobody@127.0.0.1:1/none", wait_seconds=1)),
        world.folders, 7,
    )  # fmt: skip
    tidy.look()
