"""The tables of jobs and of their events, and the one statement that moves a job."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Float,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    and_,
    case,
    insert,
    select,
    text,
)
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from app.jobs.job import MOVES, Job, JobSpec, Move, Promote, State
from app.storage.db import metadata, now

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("base", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("training_file", String(40), nullable=False),
    Column("validation_file", String(40)),
    Column("publish_to", Text, nullable=False),
    Column("promote", Integer, nullable=False),
    Column("recipe", Text, nullable=False),
    Column("options", JSON, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("idempotency_key", String(255), unique=True),
    Column("request_digest", String(64)),
    Column("client", String(64)),  # who asked for it; nobody where it was made by itself
    Column("pictures", Float, nullable=False, server_default=text("0")),
    Column("worker", String(120)),
    Column("attempt", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("lease_until", Float),
    Column("lease_seconds", Float),  # how long its worker may be silent; an earlier release did not say
    Column("worked_seconds", Float, nullable=False, server_default=text("0")),
    Column("events", Integer, nullable=False),  # how many there are
    Column("progress", JSON),
    Column("result", JSON),
    Column("error", JSON),
    Index("jobs_by_state", "state", "created_at"),
    Index("jobs_by_time", "created_at", "id"),
)
events = Table(
    "events",
    metadata,
    Column("job", String(40), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("level", String(8), nullable=False),
    Column("type", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("data", JSON),
)
BY_ITSELF = "corrections of "  # how the key begins of a job that nobody asked for; clients' own keys have no spaces
MOST_EVENTS = 10_000  # of a job: a thousand epochs of five folds and of the training itself take 6,000
_LONGEST_MESSAGE = 2_000  # characters
_ENOUGH = "The job has said very much. From here on only its states and its progress are told."
PROMOTE: tuple[Promote, ...] = "never", "if_better", "shadow"  # as numbers: release 0.2 knew yes and no
SPEC = tuple(field.name for field in dataclasses.fields(JobSpec))
_MINE = tuple(field.name for field in dataclasses.fields(Job) if field.name != "spec")


class text_at(FunctionElement[str]):  # noqa: N801 (reads like SQL's other functions)
    """`text_at(column, key)`: the text under any key of a JSON object. SQLAlchemy's own way makes a path of the key, in
    which SQLite finds no quote, no backslash and nothing beyond ASCII.
    """

    type = Text()
    inherit_cache = True


@compiles(text_at, "sqlite")
def _sqlite_text_at(element: text_at, compiler: SQLCompiler, **options: Any) -> str:
    column, key = (compiler.process(part, **options) for part in element.clauses)
    return f"(SELECT value FROM json_each({column}) WHERE key = {key})"  # noqa: S608 (a placeholder and a column)


@compiles(text_at, "postgresql")
def _postgresql_text_at(element: text_at, compiler: SQLCompiler, **options: Any) -> str:
    column, key = (compiler.process(part, **options) for part in element.clauses)
    return f"({column} ->> {key})"


def moved(connection: Connection, move: Move, which: ColumnElement[bool], **values: Any) -> Row[Any] | None:
    """Makes one move of the table in app.jobs.job: the row after it, None where `which` is in no state for it."""
    steps = MOVES[move]
    state = case({str(before): str(after) for before, after in steps.items()}, value=jobs.c.state)
    query = jobs.update().where(which, jobs.c.state.in_(map(str, steps))).values(state=state, **values)
    return connection.execute(query.returning(*jobs.c)).one_or_none()


def say(
    connection: Connection, job_id: str, level: str, kind: str, message: str, data: Mapping[str, Any] | None = None
) -> None:
    """Adds an event. The counter in the job's row numbers them without gaps, because the row is locked meanwhile.

    Beyond MOST_EVENTS one says so, and from there on only states are added.
    """
    if (
        kind != "state"
        and connection.execute(select(jobs.c.events).where(jobs.c.id == job_id)).scalar_one() >= MOST_EVENTS
    ):
        late = select(events.c.number).where(events.c.job == job_id, events.c.number > MOST_EVENTS)
        if connection.execute(late.where(events.c.message == _ENOUGH)).first():
            return
        level, kind, message, data = "warn", "message", _ENOUGH, None
    message = message if len(message) <= _LONGEST_MESSAGE else f"{message[: _LONGEST_MESSAGE - 1]}…"
    query = jobs.update().where(jobs.c.id == job_id).values(events=jobs.c.events + 1).returning(jobs.c.events)
    number = connection.execute(query).scalar_one()
    values = {"job": job_id, "number": number, "created_at": now(), "level": level, "type": kind, "message": message}
    connection.execute(insert(events).values(**values, data=None if data is None else dict(data)))


def owned(job: Job) -> ColumnElement[bool]:
    """Whether the row is still held by the one who claimed `job`: the fence."""
    return and_(jobs.c.id == job.id, jobs.c.worker == job.worker, jobs.c.attempt == job.attempt)


def to_job(row: Row[Any]) -> Job:
    """The record of a row."""
    columns = row._mapping
    spec = JobSpec(**{name: columns[name] for name in SPEC})
    mine = {name: columns[name] for name in _MINE}
    spec = dataclasses.replace(spec, promote=PROMOTE[columns["promote"]])
    return Job(**{**mine, "state": State(columns["state"])}, spec=spec)
