"""One attempt at a job, with a real database and a training that the test plays: every way in which it can end."""

from collections.abc import Callable
from typing import Any

import pytest

from app.jobs.attempt import Lost
from app.jobs.job import Job, State
from app.jobs.store import JobStore
from tests.support.played import EPOCH, NUMBERS, RESULT, Played, World


def may_publish(world: World) -> Callable[[], object]:
    def look() -> None:
        assert world.store.get("ftjob-1").state == State.PUBLISHING
        assert (world.played.folder / "go").exists()

    return look


def test_a_whole_story(world: World) -> None:
    stage, note = {"event": "stage", "text": "reading"}, {"event": "note", "text": "2 left out"}
    played = Played(stage, note, EPOCH, {"event": "ready"}, None, may_publish(world), RESULT, 0)
    job = world.attempt(played)
    assert (job.state, job.error, job.worker) == (State.SUCCEEDED, None, None)
    placed = {"promoted": True, "in_shadow": False}
    assert job.result == {"version": "digits@2", "accepted": True, "gate": "accepted: better", **placed}
    assert world.champion == 2
    told = [(event.level, event.type, event.message) for event in world.events()[2:]]
    assert told == [
        ("info", "message", "reading"),
        ("warn", "message", "2 left out"),
        ("info", "metrics", "training: epoch 1 of 2, loss 0.5000"),
        ("info", "message", "digits@2 is the champion now; digits@1 is previous."),
        ("info", "state", "The job is done: digits@2."),
    ]
    assert world.events()[4].data == {"run": "training", "epoch": 1, "epochs": 2, **NUMBERS}


def test_progress_is_a_heartbeat_and_no_event(world: World) -> None:
    facts = {"run": "training", "epoch": 1, "epochs": 2, "done": 3, "steps": 7}
    seen: list[Any] = []
    look = lambda: seen.append(world.store.get("ftjob-1").progress)  # noqa: E731
    world.attempt(Played({"event": "progress", **facts}, *[None] * 15, look, {"event": "ready"}, None, RESULT, 0))
    assert seen == [facts]
    assert "progress" not in [event.type for event in world.events()]


@pytest.mark.parametrize("asked", [JobStore.cancel, JobStore.pause])
def test_a_job_that_is_taken_away_is_stopped_within_two_seconds(
    world: World, asked: Callable[[JobStore, str], Job]
) -> None:
    played = Played(EPOCH, lambda: asked(world.store, "ftjob-1"))
    with pytest.raises(Lost):
        world.attempt(played)
    assert played.signals == ["TERM"]
    assert world.now < 2
    assert world.events()[-1].message in ("The job was cancelled.", "The job was paused.")


def test_a_training_that_does_not_end_when_asked_is_killed(world: World) -> None:
    played = Played(lambda: world.store.cancel("ftjob-1"), stubborn=True)
    with pytest.raises(Lost):
        world.attempt(played)
    assert played.signals == ["TERM", "KILL"]


def test_who_lost_the_job_publishes_nothing(world: World) -> None:
    played = Played(lambda: world.store.cancel("ftjob-1"), {"event": "ready"})
    with pytest.raises(Lost):
        world.attempt(played)
    assert not (played.folder / "go").exists()
    assert world.champion == 1


def test_who_lost_the_job_promotes_nothing(world: World) -> None:
    def another_claims() -> None:
        with world.database.writing() as connection:
            connection.exec_driver_sql("UPDATE jobs SET lease_until = 1")
        assert world.leases.claim("another") is not None

    played = Played({"event": "ready"}, None, RESULT, another_claims, 0)
    with pytest.raises(Lost):
        world.attempt(played)
    assert world.champion == 1
    assert world.store.get("ftjob-1").worker == "another"


def test_a_refusal_fails_the_job_with_its_code(world: World) -> None:
    error = {"event": "error", "code": "too_few_examples", "text": "3 are too few: give 5."}
    job = world.attempt(Played(error, 2))
    assert job.state == State.FAILED
    assert job.error == {"code": "too_few_examples", "message": "3 are too few: give 5.", "param": None}


def test_a_crash_is_tried_again_three_times(world: World) -> None:
    for tries in (1, 2):
        job = world.attempt(Played(EPOCH, -11))
        assert (job.state, job.tries) == (State.QUEUED, tries)
        assert world.events()[-1].message == "The training process ended by SIGSEGV without a result."
    job = world.attempt(Played(1))
    assert job.state == State.FAILED
    assert job.error is not None and job.error["code"] == "job_crashed"


def test_a_stopped_worker_gives_the_job_back_uncounted(world: World) -> None:
    world.stop_at = 0.5
    played = Played()
    job = world.attempt(played)
    assert (job.state, job.tries, job.attempt) == (State.QUEUED, 0, 1)
    assert played.signals == ["TERM"]


def test_a_training_that_hangs_is_stopped_and_that_counts(world: World) -> None:
    played = Played()
    played.steps = [None, lambda: setattr(played, "cpu", 61.0)]
    job = world.attempt(played)
    assert (job.state, job.tries) == (State.QUEUED, 1)
    assert "no progress" in world.events()[-1].message
