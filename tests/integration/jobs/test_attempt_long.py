"""A job may take so long, over all of its attempts; waiting and pauses do not count."""

import math

from app.jobs.job import Job, State
from tests.support.played import EPOCH, RESULT, Played, World

SECONDS = 100.0


def attempted(world: World, played: Played, most: float = SECONDS) -> Job:
    job = world.leases.claim("me")
    assert job is not None
    world.played = played
    world.attempt_at(job, played, max_seconds=most).run(world.wait)
    return world.store.get(job.id)


def test_it_is_ended_with_what_it_takes_to_make_another(world: World) -> None:
    training = Played(EPOCH)
    job = attempted(world, training)
    assert job.state == State.FAILED and training.signals == ["TERM"]
    assert job.error is not None and job.error["code"] == "job_too_long"
    assert "fewer n_epochs" in job.error["message"]
    assert job.progress == {"run": "training", "epoch": 1, "epochs": 2}
    assert SECONDS < job.worked_seconds < SECONDS + 2
    assert [event.type for event in world.events()][-1] == "state"


def test_attempts_count_together_and_pauses_do_not(world: World) -> None:
    world.stop_at = 60
    first = attempted(world, Played())
    assert first.state == State.QUEUED and 59 < first.worked_seconds < 61
    world.store.pause(first.id)
    world.now += 5000
    world.store.resume(first.id)
    world.stop_at, began = math.inf, world.now
    second = attempted(world, Played())
    assert second.error is not None and second.error["code"] == "job_too_long"
    assert 39 < world.now - began < 42


def test_what_may_be_published_already_goes_on(world: World) -> None:
    steps = [{"event": "ready"}, *[None] * 1500, RESULT, 0]
    assert attempted(world, Played(*steps)).state == State.SUCCEEDED
    assert world.now > SECONDS


def test_without_a_limit_it_takes_what_it_takes(world: World) -> None:
    steps = [*[None] * 1500, {"event": "ready"}, None, RESULT, 0]
    job = attempted(world, Played(*steps), math.inf)
    assert job.state == State.SUCCEEDED and job.worked_seconds > SECONDS
