"""One attempt at a job while the database is away for some seconds."""

from typing import Any

import pytest

from app.errors import DatabaseUnavailable
from app.jobs.job import Job, State
from app.jobs.leases import Leases
from tests.support.played import EPOCH, RESULT, Played, World


class Flaky(Leases):
    """Leases of a database that is away for some seconds of the world's clock."""

    def __init__(self, world: World, away: range) -> None:
        super().__init__(world.database)
        self._world, self._away = world, away

    def _check(self) -> None:
        if int(self._world.now) in self._away:
            raise DatabaseUnavailable("database_unavailable", "Away.")

    def beat(self, job: Job, progress: Any = None) -> bool:
        self._check()
        return super().beat(job, progress)

    def tell(self, *arguments: Any, **named: Any) -> bool:
        self._check()
        return super().tell(*arguments, **named)

    def succeed(self, job: Job, result: Any) -> bool:
        self._check()
        return super().succeed(job, result)


def test_what_is_said_while_the_database_is_away_is_not_lost(world: World) -> None:
    second = {**EPOCH, "number": 2}
    played = Played(*[None] * 12, EPOCH, second, *[None] * 30, {"event": "ready"}, None, RESULT, 0)
    job = world.attempt(played, Flaky(world, range(1, 4)))
    assert job.state == State.SUCCEEDED
    assert [event.data["epoch"] for event in world.events() if event.type == "metrics" and event.data] == [1, 2]


def test_the_last_word_waits_for_the_database(world: World) -> None:
    played = Played({"event": "ready"}, None, RESULT, *[None] * 7, 0)
    job = world.attempt(played, Flaky(world, range(1, 5)))
    assert (job.state, world.champion) == (State.SUCCEEDED, 2)


def test_a_worker_stops_when_its_lease_ends_before_the_database_is_back(world: World) -> None:
    played = Played()
    with pytest.raises(DatabaseUnavailable):
        world.attempt(played, Flaky(world, range(1, 1000)))
    assert played.signals == ["TERM"]
    assert world.now <= 15
