"""One attempt whose training says more than anybody needs."""

import json
from collections.abc import Callable

from app.jobs.job import State
from tests.support.played import EPOCH, RESULT, Played, World


def says(played: Played, text: str) -> Callable[[], object]:
    """A step in which so much is written at once."""

    def say() -> None:
        with (played.folder / "events.jsonl").open("a") as file:
            file.write(text)

    return say


def test_what_is_said_in_the_last_moment_is_heard_to_its_end(world: World) -> None:
    played = Played({"event": "ready"}, None)
    noise = 30_000 * "a library speaks, which is no event\n"
    words = noise + 200 * (json.dumps(EPOCH) + "\n") + json.dumps(RESULT) + "\n"

    def last() -> None:
        says(played, words)()
        played.ended = 0

    played.steps += [last]
    job = world.attempt(played)
    assert (job.state, world.champion) == (State.SUCCEEDED, 2)
    assert len([event for event in world.store.events("ftjob-1", 1000)[0] if event.type == "metrics"]) == 200


def test_one_that_never_stops_talking_is_ended_at_once(world: World) -> None:
    played = Played(stubborn=True)
    played.steps += [says(played, 2**24 * "x")] * 5
    job = world.attempt(played)
    assert job.state == State.FAILED and job.error is not None and job.error["code"] == "job_crashed"
    assert "without end" in job.error["message"]
    assert played.signals == ["KILL"]
