"""What is in the database, counted: one reading, a few statements that indexes answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from app.errors import NOTHING_LASTS
from app.feedback.tables import feedback
from app.files.tables import files
from app.jobs.job import HELD, State
from app.jobs.tables import jobs
from app.review.tables import review
from app.shadow import ledger
from app.shadow.record import Shadow
from app.storage.db import Database, now

_LEASE_SECONDS = 15.0  # of jobs that a release before this one has claimed: it did not say


@dataclass(frozen=True)
class Inventory:
    """What is there. Ages are seconds, None where there is nothing that could have one."""

    jobs: Mapping[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))
    heartbeat_age: float | None = None  # of the running job whose worker has been silent for longest
    waiting_age: float | None = None  # of the queued job that was made first
    corrections: int = 0
    corrections_waiting: int = 0  # no job has learned from them yet
    corrections_held: int = 0  # until a person has looked
    corrections_bytes: int = 0
    uncertain_pictures: int = 0  # kept, for a person
    files: int = 0
    files_bytes: int = 0
    shadows: tuple[Shadow, ...] = ()  # those that go on


class RowCounts:
    """Looks into one database. Any thread may, one at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._was_there = False

    def look(self) -> Inventory | None:
        """None where the database does not answer, or is there no more. Where there is none yet, nothing is in it."""
        try:
            with self._database.looking("alembic_version") as connection:
                if connection is None:
                    return None if self._was_there else Inventory()
            with self._database.reading() as connection:
                self._was_there = True
                return _counted(connection)
        except NOTHING_LASTS:
            return None


def _counted(connection: Connection) -> Inventory:
    states = connection.execute(select(jobs.c.state, func.count()).group_by(jobs.c.state)).all()
    beat = now() - jobs.c.lease_until + func.coalesce(jobs.c.lease_seconds, _LEASE_SECONDS)
    heartbeat = select(func.max(beat)).where(jobs.c.state.in_(HELD), jobs.c.lease_until > 0)
    waiting = select(func.max(now() - jobs.c.created_at)).where(jobs.c.state == State.QUEUED)
    held = func.count(feedback.c.held)
    free = func.count().filter(feedback.c.job.is_(None), feedback.c.held.is_(None))
    kept, size = func.count(), func.coalesce(func.sum(feedback.c.bytes), 0)
    corrections = connection.execute(select(kept, free, held, size).select_from(feedback)).one()
    data_sets = connection.execute(select(func.count(), func.coalesce(func.sum(files.c.bytes), 0))).one()
    return Inventory(
        jobs=dict.fromkeys(State, 0) | {State(state): count for state, count in states},
        heartbeat_age=_age(connection.execute(heartbeat).scalar()),
        waiting_age=_age(connection.execute(waiting).scalar()),
        corrections=corrections[0],
        corrections_waiting=corrections[1],
        corrections_held=corrections[2],
        corrections_bytes=int(corrections[3]),
        uncertain_pictures=connection.execute(select(func.count()).select_from(review)).scalar_one(),
        files=data_sets[0],
        files_bytes=int(data_sets[1]),
        shadows=tuple(ledger.going_on(connection)),
    )


def _age(seconds: float | None) -> float | None:
    return None if seconds is None else max(0.0, float(seconds))
