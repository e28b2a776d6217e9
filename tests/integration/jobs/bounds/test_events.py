"""How much a job may say."""

import pytest
from sqlalchemy import text

from app.jobs import tables
from app.jobs.job import Job
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.storage.db import Database
from tests.support.ordered import claimed


@pytest.fixture
def job(database: Database) -> Job:
    """One that has said all but three of the events that it may."""
    job = claimed(database)
    with database.writing() as connection:
        connection.execute(text("UPDATE jobs SET events = :most - 3"), {"most": tables.MOST_EVENTS})
    return job


def said(store: JobStore, job: Job) -> list[tuple[int, str, str]]:
    return [(e.number - tables.MOST_EVENTS, e.level, e.message[:30]) for e in store.events(job.id, 100)[0][2:]]


def test_beyond_the_last_one_only_states_are_told(store: JobStore, leases: Leases, job: Job) -> None:
    for number in range(50):
        assert leases.tell(job, "info", "metrics", f"epoch {number}", {"run": "training", "epoch": number})
    store.pause(job.id)
    store.resume(job.id)
    again = leases.claim("worker-2")
    assert again is not None
    assert leases.tell(again, "warn", "message", "unheard") and leases.beat(again, {"epoch": 51})
    store.cancel(job.id)
    assert said(store, job) == [
        (-2, "info", "epoch 0"),
        (-1, "info", "epoch 1"),
        (0, "info", "epoch 2"),
        (1, "warn", "The job has said very much. Fr"),
        (2, "info", "The job was paused."),
        (3, "info", "The job waits for its turn aga"),
        (4, "info", "The job runs again (attempt 2)"),
        (5, "info", "The job was cancelled."),
    ]
    assert store.get(job.id).progress == {"epoch": 51}


def test_it_is_said_also_where_a_state_came_first(store: JobStore, leases: Leases, job: Job) -> None:
    for _ in range(3):
        leases.tell(job, "info", "message", "words")
    store.pause(job.id)
    store.resume(job.id)
    again = leases.claim("worker-2")
    assert again is not None
    for _ in range(3):
        assert leases.tell(again, "info", "message", "words")
    assert [message for _, _, message in said(store, job)].count("The job has said very much. Fr") == 1


def test_a_message_has_a_length(store: JobStore, leases: Leases, job: Job) -> None:
    leases.tell(job, "info", "message", "x" * 1_000_000)
    last = store.events(job.id, 1, newest_first=True)[0][0]
    assert len(last.message) == 2000 and last.message.endswith("x…")
