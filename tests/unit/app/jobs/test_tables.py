"""The one statement that moves a job, the fence around it, and events that are numbered without gaps."""

import dataclasses
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from app.jobs.job import MOVES, Job, Move, State
from app.jobs.tables import events, jobs, moved, owned, say, text_at, to_job
from app.storage.db import Database
from tests.support.ordered import everything, queued


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(f"sqlite:///{tmp_path / 'digitserve.db'}")) as opened:
        yield opened


def put(connection: Connection, job: Job, **values: object) -> None:
    connection.execute(jobs.update().where(jobs.c.id == job.id).values(**values))


def test_every_job_and_no_other_moves_as_the_table_of_moves_says(database: Database) -> None:
    first, other = queued(database, 2)
    with database.writing() as connection:
        for move, steps in MOVES.items():
            for state in State:
                put(connection, first, state=str(state))
                row = moved(connection, move, jobs.c.id == first.id, worker=str(move))
                after = steps.get(state)
                assert (None if row is None else (row.state, row.worker)) == (after and (str(after), str(move)))
                now = connection.execute(select(jobs.c.state).where(jobs.c.id == first.id)).scalar_one()
                assert now == str(after or state)
        untouched = connection.execute(select(jobs).where(jobs.c.id == other.id)).one()
    assert (untouched.state, untouched.worker) == ("queued", None)


def test_only_who_claimed_a_job_last_owns_it(database: Database) -> None:
    (job,) = queued(database)
    with database.writing() as connection:
        for worker, attempt in (("a", 1), ("b", 2)):
            put(connection, job, state="running", worker=worker, attempt=attempt)
        zombies = [dataclasses.replace(job, worker="a", attempt=1), dataclasses.replace(job, worker="b", attempt=1)]
        for zombie in zombies:
            assert moved(connection, Move.PUBLISH, owned(zombie)) is None
        assert moved(connection, Move.PUBLISH, owned(dataclasses.replace(job, worker="b", attempt=2))) is not None


def test_events_are_numbered_for_each_job_without_gaps(database: Database) -> None:
    first, second = queued(database, 2)  # which is each one's first event
    with database.writing() as connection:
        for job, message in ((first, "one"), (second, "else"), (first, "two")):
            say(connection, job.id, "info", "message", message, {"at": message})
    with database.reading() as connection:
        rows = connection.execute(select(events).order_by(events.c.number)).all()
    told = {
        job.id: [(row.number, (row.data or {}).get("at")) for row in rows if row.job == job.id][1:]
        for job in (first, second)
    }
    assert told == {first.id: [(2, "one"), (3, "two")], second.id: [(2, "else")]}


def test_what_is_said_in_a_transaction_that_fails_was_never_said(database: Database) -> None:
    (job,) = queued(database)
    before = everything(database)
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        say(connection, job.id, "info", "message", "It begins.")
        moved(connection, Move.CLAIM, jobs.c.id == job.id)
        raise ZeroDivisionError
    assert everything(database) == before


@pytest.mark.parametrize("key", ["who", 'a"b', "a\\b", "ä", "a.b", "$", "[0]", "", "who is it"])
def test_a_text_is_found_under_any_key(database: Database, key: str) -> None:
    (job,) = queued(database, metadata={key: "me", "other": "you"})
    with database.reading() as connection:
        found = connection.execute(select(jobs.c.id).where(text_at(jobs.c.metadata, key) == "me")).scalars().all()
        missing = connection.execute(select(jobs.c.id).where(text_at(jobs.c.metadata, f"{key}x") == "me")).all()
    assert (found, missing) == ([job.id], [])


def test_a_row_comes_back_as_the_record_that_was_ordered(database: Database) -> None:
    (job,) = queued(database, promote="shadow", metadata={"who": "me"}, validation_file=None)
    with database.reading() as connection:
        read = to_job(connection.execute(select(jobs)).one())
    assert (read.spec, read.state, read.created_at) == (job.spec, State.QUEUED, 0.0)
    assert read.spec.promote == "shadow" and read.spec.metadata == {"who": "me"}
    assert (read.worker, read.attempt, read.tries, read.result) == (None, 0, 0, None)


@pytest.mark.parametrize(("number", "promote"), [(0, "never"), (1, "if_better"), (2, "shadow")])
def test_rows_of_release_0_2_say_yes_or_no(database: Database, number: int, promote: str) -> None:
    queued(database)
    with database.writing() as connection:
        connection.execute(jobs.update().values(promote=number))
        assert to_job(connection.execute(select(jobs)).one()).spec.promote == promote
