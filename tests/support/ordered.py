"""Jobs for tests of the database: an order, the file that it names, and the time that a worker was not heard of."""

import dataclasses
from typing import Any

from sqlalchemy import insert, text

from app.files.tables import files
from app.jobs.job import Job, JobSpec
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.storage.db import Database, now

FILE = "file-1"
ORDER = JobSpec(
    base="digits@1", model="digits", training_file=FILE, validation_file=None, publish_to="digits", promote="if_better",
    recipe='{"name": "x"}', options={"seed": 1, "hyperparameters": {"n_epochs": "auto"}}, metadata={},
)  # fmt: skip


def order(**changes: Any) -> JobSpec:
    """What somebody asks for."""
    return dataclasses.replace(ORDER, **changes)


def add_file(database: Database, name: str = FILE) -> None:
    """A row as an upload leaves it."""
    facts = {"filename": "x.zip", "purpose": "fine-tune", "bytes": 1, "sha256": "0" * 64, "report": {}}
    with database.writing() as connection:
        connection.execute(insert(files).values(id=name, created_at=now(), **facts))


def queued(database: Database, count: int = 1, **changes: Any) -> list[Job]:
    """New jobs, the oldest first, at least a thousandth of a second apart."""
    add_file(database)
    made = [JobStore(database).add(order(**changes)) for _ in range(count)]
    with database.writing() as connection:
        for number, job in enumerate(made):
            connection.execute(text("UPDATE jobs SET created_at = :at WHERE id = :id"), {"at": number, "id": job.id})
    return made


def claimed(database: Database, worker: str = "worker-1") -> Job:
    """A job that this worker holds."""
    queued(database)
    job = Leases(database).claim(worker)
    assert job is not None
    return job


def expire(database: Database) -> None:
    """An hour goes by in which no worker is heard of."""
    with database.writing() as connection:
        connection.execute(text("UPDATE jobs SET lease_until = lease_until - 3600"))


def everything(database: Database) -> tuple[object, object]:
    """All rows of jobs and events: the same before and after where nothing was written."""
    with database.reading() as connection:
        return tuple(
            sorted(map(str, connection.execute(text(f"SELECT * FROM {table}")).all())) for table in ("jobs", "events")
        )  # type: ignore[return-value]
