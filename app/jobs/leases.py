"""Leases: what workers do with jobs. Whoever holds one names itself and its attempt with every write: a statement that
changes no row says that the job is no longer theirs. Time is the database's, which may be set: a lease that ends later
than it can is cut short, and after a leap forward whoever lives has a moment to say so.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, func, or_, select, true
from sqlalchemy.engine import Connection

from app.jobs.job import ENDED, HELD, Job, Move, State
from app.jobs.tables import jobs, moved, owned, say, to_job
from app.storage.db import Database, now
from app.storage.leaps import Leaps
from app.telemetry.measures import Measures

_LONGEST_SECONDS = 3600.0  # that a lease may take: of a worker of an earlier release nobody knows how long it takes
_MARGIN_SECONDS = 1.0
_RELEASED = "released"  # how an attempt ends that another may follow
_DOUBTED_SECONDS = 5.0  # is left of a lease that can't be: a worker that lives renews it every second


class Leases:
    """The jobs of one database, as its workers see them. Every method may raise one of NOTHING_LASTS."""

    def __init__(
        self,
        database: Database,
        lease_seconds: float = 15.0,
        max_tries: int = 3,
        on_success: Callable[[Connection, Job], None] = lambda connection, job: None,
        clock: Callable[[], float] = time.monotonic,
        measures: Measures | None = None,
    ) -> None:
        """A worker that is not heard of for `lease_seconds` has lost its job; a job is tried `max_tries` times.

        `on_success` is called with the job in the transaction in which it succeeds: what it writes is there if the
        success is.
        `clock` counts seconds, and nobody sets it.
        """
        self._database = database
        self.lease_seconds = lease_seconds
        self._max_tries = max_tries
        self._on_success = on_success
        self._leaps = Leaps(clock)
        self._measures = measures or Measures()

    @property
    def leaps(self) -> int:
        """How often the database's clock was set, as far as this worker has noticed."""
        return self._leaps.count

    def claim(self, worker: str) -> Job | None:
        """Takes the oldest job that waits, or whose worker is not heard of any more."""
        with self._database.writing() as connection:
            waits = jobs.c.state == State.QUEUED
            free = or_(waits, self._lost) if self._tells_time(connection) else waits
            free = and_(free, jobs.c.tries < self._limit)
            oldest = select(jobs.c.id).where(free).order_by(jobs.c.created_at, jobs.c.id).limit(1)
            oldest = oldest.with_for_update(skip_locked=True)
            row = moved(
                connection, Move.CLAIM, and_(jobs.c.id == oldest.scalar_subquery(), free),
                worker=worker, attempt=jobs.c.attempt + 1, tries=jobs.c.tries + 1, lease_until=self._lease,
                lease_seconds=self.lease_seconds, started_at=func.coalesce(jobs.c.started_at, now()),
            )  # fmt: skip
            if row is None:
                return None
            again = "" if row.attempt == 1 else f" again (attempt {row.attempt})"
            say(connection, row.id, "info", "state", f"The job runs{again}.", {"state": State.RUNNING})
            return to_job(row)

    def give_up_lost(self) -> Sequence[Job]:
        """Fails jobs whose last try was lost with its worker; of all others it sees to it that a loss can be seen."""
        lost = and_(self._lost, jobs.c.tries >= self._limit)
        first = select(jobs.c.id).where(lost).limit(1).with_for_update(skip_locked=True)
        message = "Its workers ended, each time. Ask the operator to look."
        error = {"code": "job_lost", "message": message, "param": None}

        def given_up(connection: Connection) -> Sequence[Job]:
            _cut_short(connection)
            failed = []
            while self._tells_time(connection) and (row := moved(
                connection, Move.FAIL, and_(jobs.c.id == first.scalar_subquery(), lost),
                error=error, finished_at=now(), worker=None, lease_until=None,
            )):  # fmt: skip
                say(connection, row.id, "error", "state", message, {"state": State.FAILED})
                failed.append(to_job(row))
            return failed

        failed = self._database.making_room(given_up)
        for job in failed:
            self._measures.job_seconds.observe((State.FAILED.value,), job.worked_seconds)
        return failed

    def beat(self, job: Job, progress: Mapping[str, Any] | None = None) -> bool:
        """Keeps the lease; False where the job is no longer ours: cancelled, paused, or another's."""
        told = {} if progress is None else {"progress": dict(progress)}
        with self._database.writing() as connection:
            return self._held(connection, job, **told) is not None

    def tell(self, job: Job, level: str, kind: str, message: str, data: Mapping[str, Any] | None = None) -> bool:
        """Adds an event and keeps the lease; False, and nothing is written, where the job is no longer ours."""
        with self._database.writing() as connection:
            if self._held(connection, job) is None:
                return False
            say(connection, job.id, level, kind, message, data)
            return True

    def along(self, job: Job, write: Callable[[Connection, Job], object]) -> bool:
        """Writes something of a job and keeps the lease; False, and nothing is written, where it is no longer ours."""
        with self._database.writing() as connection:
            if self._held(connection, job) is None:
                return False
            write(connection, job)
            return True

    def publish(self, job: Job) -> bool:
        """Asks whether the result may be published now. From then on nobody can cancel or pause the job."""
        with self._database.writing() as connection:
            return moved(connection, Move.PUBLISH, owned(job), lease_until=self._lease, **_worked(job)) is not None

    def succeed(self, job: Job, result: Mapping[str, Any]) -> bool:
        """Ends a job whose version is published."""
        return self._end(job, Move.SUCCEED, "info", f"The job is done: {result['version']}.", result=dict(result))

    def fail(self, job: Job, code: str, message: str, param: str | None = None) -> bool:
        """Ends a job that can't be done."""
        return self._end(job, Move.FAIL, "error", message, error={"code": code, "message": message, "param": param})

    def release(self, job: Job, why: str, *, counts: bool) -> bool:
        """Gives a job back. A try that counts (a crash) is one of `max_tries`; after the last the job fails."""
        left = jobs.c.tries < self._limit if counts else true()

        def released(connection: Connection) -> bool:
            row = moved(
                connection, Move.RELEASE, and_(owned(job), left),
                worker=None, tries=jobs.c.tries - (0 if counts else 1), **_worked(job),
                # whoever looks next may go on with a job that was publishing
                lease_until=case((jobs.c.state == State.PUBLISHING, 0.0)),
            )  # fmt: skip
            if row is not None:
                say(connection, job.id, "warn", "state", why, {"state": row.state})
            return row is not None

        if self._database.making_room(released):
            self._measures.job_attempts.add((_RELEASED,))
            return True
        if not counts:
            return False
        return self.fail(job, "job_crashed", f"The training ended {job.tries} times without a result: {why}")

    def give_back_all(self, why: str) -> Sequence[str]:
        """Gives back what others hold who are gone for good: a database that comes from a backup has no workers."""
        with self._database.reading() as connection:
            held = connection.execute(select(jobs).where(jobs.c.state.in_(HELD))).all()
        return [job.id for job in map(to_job, held) if self.release(job, why, counts=False)]

    def ended(self, among: Collection[str], seconds: float = 0.0) -> Sequence[str]:
        """Which of these jobs ended, so many seconds ago or earlier; 0 asks no clock."""
        query = select(jobs.c.id).where(jobs.c.id.in_(among), jobs.c.state.in_(ENDED))
        if seconds:
            query = query.where(jobs.c.finished_at <= now() - seconds)
        with self._database.reading() as connection:
            return list(connection.execute(query).scalars())

    def idle(self, among: Collection[str]) -> Mapping[str, int]:
        """Of these jobs that have not ended, up to which attempt nobody works at them."""
        query = select(jobs.c.id, jobs.c.attempt, jobs.c.state).where(jobs.c.id.in_(among), jobs.c.state.not_in(ENDED))
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return {row.id: row.attempt - (row.state in HELD) for row in rows}

    def _tells_time(self, connection: Connection) -> bool:
        """Whether leases that are over by the database's clock are over."""
        return self._leaps.look(lambda: connection.execute(select(now())).scalar_one())

    @property
    def _lost(self) -> ColumnElement[bool]:
        return and_(jobs.c.state.in_(HELD), jobs.c.lease_until < now())

    @property
    def _limit(self) -> ColumnElement[int]:
        """A job that was publishing may have a version already: it fails only where it seems that it never will end."""
        return case((jobs.c.state == State.PUBLISHING, 2 * self._max_tries), else_=self._max_tries)

    @property
    def _lease(self) -> Any:
        return now() + self.lease_seconds

    def _held(self, connection: Connection, job: Job, **values: Any) -> Row[Any] | None:
        values |= {"lease_until": self._lease, **_worked(job)}
        query = jobs.update().where(owned(job), jobs.c.state.in_(HELD)).values(values)
        return connection.execute(query.returning(jobs.c.id)).one_or_none()

    def _end(self, job: Job, move: Move, level: str, message: str, **values: Any) -> bool:
        values |= {"finished_at": now(), "worker": None, "lease_until": None, **_worked(job)}

        def ended(connection: Connection) -> bool:
            row = moved(connection, move, owned(job), **values)
            if row is not None:
                if move is Move.SUCCEED:
                    self._on_success(connection, to_job(row))
                say(connection, job.id, level, "state", message, {"state": row.state})  # the last that is said of it
            return row is not None

        is_ours = self._database.making_room(ended)  # on a full disk a job fails for that
        if is_ours:
            outcome = (State.SUCCEEDED if move is Move.SUCCEED else State.FAILED).value
            self._measures.job_attempts.add((outcome,))
            self._measures.job_seconds.observe((outcome,), job.worked_seconds)
        return is_ours


def _worked(job: Job) -> dict[str, float]:
    """What whoever holds the job says of it with every write."""
    return {"worked_seconds": job.worked_seconds}


def _cut_short(connection: Connection) -> None:
    """Leases that can't end so late were given before the clock was set back."""
    latest = now() + func.coalesce(jobs.c.lease_seconds, _LONGEST_SECONDS) + _MARGIN_SECONDS
    impossible = jobs.c.state.in_(HELD), jobs.c.lease_until > latest
    connection.execute(jobs.update().where(*impossible).values(lease_until=now() + _DOUBTED_SECONDS))
