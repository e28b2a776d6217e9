"""JobStore: what people do with jobs. Each move of app.jobs.job is one statement, the same on SQLite and on PostgreSQL.
Time is the database's.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, case, or_, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection

from app.errors import Conflict, NotFound
from app.files.tables import files
from app.jobs.bounds.history import forget_surplus
from app.jobs.bounds.room import JobLimits, check_room, one_at_a_time
from app.jobs.job import ENDED, FEEDBACK, Job, JobEvent, JobSpec, Move, State
from app.jobs.tables import PROMOTE, SPEC, events, jobs, moved, say, text_at, to_job
from app.storage.audit import trail
from app.storage.audit.record import What
from app.storage.db import Database, now

_REFUSALS = {
    State.SUCCEEDED: "The job has succeeded already. Its version can be promoted or deleted.",
    State.FAILED: "The job has failed already. Its error says why; make another one.",
    State.CANCELLED: "The job was cancelled already. Make another one.",
    State.PUBLISHING: "The job is publishing its result, which takes a moment. Look at its status.",
}
_WRITTEN = {Move.CANCEL: What.JOB_CANCELLED, Move.PAUSE: What.JOB_PAUSED, Move.RESUME: What.JOB_RESUMED}


def new_id() -> str:
    """A job's name before there is the job."""
    return f"ftjob-{secrets.token_hex(12)}"


class JobStore:
    """All jobs of one database. Every method may raise DatabaseUnavailable, those that write any of NOTHING_LASTS."""

    def __init__(
        self,
        database: Database,
        limits: JobLimits = JobLimits(),
        check_base: Callable[[str], object] = lambda base: None,
    ) -> None:
        """`check_base` raises where a version (`digits@1`) is not there any more."""
        self._database = database
        self._limits = limits
        self._check_base = check_base

    def add(
        self,
        spec: JobSpec,
        idempotency_key: str | None = None,
        request_digest: str | None = None,
        job_id: str | None = None,
        *,
        client: str | None = None,
        warning: str | None = None,
    ) -> Job:
        """Queues a job, as `job_id` where its recipe names it. The same key again gives the job that there is already.

        `client` asks for it, nobody where it is made by itself; the `warning` becomes its second event. Raises NotFound
        where a file that it needs is gone and what `check_base` raises, Conflict (`idempotency_key_reused`) where the
        key came with another request, and TooBusy (`too_many_jobs`).
        """
        values = {name: getattr(spec, name) for name in SPEC}
        values |= {
            "id": job_id or new_id(), "state": State.QUEUED, "created_at": now(),
            "promote": PROMOTE.index(spec.promote),
            "idempotency_key": idempotency_key, "request_digest": request_digest,
            "attempt": 0, "tries": 0, "events": 0, "client": client,
        }  # fmt: skip
        with self._database.writing() as connection:
            one_at_a_time(connection)
            insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
            query = insert(jobs).values(values).on_conflict_do_nothing().returning(*jobs.c)
            row = connection.execute(query).one_or_none()
            if row is None:
                known = self._known(connection, idempotency_key, request_digest)
                assert known is not None, "only the key can be there already: ids are random"
                return known
            check_room(connection, self._limits, client)
            self._check_base(spec.base)
            for param in ("training_file", "validation_file"):
                file = getattr(spec, param)
                if file in (None, FEEDBACK):
                    continue
                # locked, so that nobody deletes it before this job can be seen
                there = select(files.c.id).where(files.c.id == file).with_for_update(read=True)
                if connection.execute(there).one_or_none() is None:
                    raise NotFound("file_not_found", f"There is no file {file}. Upload it first.", param)
            say(connection, row.id, "info", "state", "The job waits for its turn.", {"state": State.QUEUED})
            if warning:
                say(connection, row.id, "warn", "message", warning)
            forget_surplus(connection, self._limits.kept)
            details = {"base": spec.base, "training_file": spec.training_file, "promote": spec.promote}
            trail.write(connection, What.JOB_CREATED, row.id, details | {"by_itself": client is None})
            return to_job(row)

    def newest(self, key_begins: str) -> Job | None:
        """The newest job whose idempotency key begins so."""
        query = select(jobs).where(jobs.c.idempotency_key.startswith(key_begins, autoescape=True))
        with self._database.reading() as connection:
            newest = query.order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(1)
            row = connection.execute(newest).one_or_none()
        return None if row is None else to_job(row)

    def known(self, idempotency_key: str, request_digest: str) -> Job | None:
        """The job that came with this key. Raises Conflict (`idempotency_key_reused`) where the request was another."""
        with self._database.reading() as connection:
            return self._known(connection, idempotency_key, request_digest)

    def _known(self, connection: Connection, key: str | None, digest: str | None) -> Job | None:
        row = connection.execute(select(jobs).where(jobs.c.idempotency_key == key)).one_or_none()
        if row is not None and row.request_digest != digest:
            raise Conflict(
                "idempotency_key_reused", "This Idempotency-Key came with another request before. Use a new one."
            )
        return None if row is None else to_job(row)

    def using(self, connection: Connection, file_id: str) -> str | None:
        """A job that has not ended and needs the file, seen from inside the transaction that wants to delete it."""
        needs = or_(jobs.c.training_file == file_id, jobs.c.validation_file == file_id)
        return connection.execute(select(jobs.c.id).where(needs, jobs.c.state.not_in(ENDED)).limit(1)).scalar()

    def get(self, job_id: str) -> Job:
        """Raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == job_id)).one_or_none()
        if row is None:
            raise _no_job(job_id)
        return to_job(row)

    def list(
        self, limit: int, after: str | None = None, labelled: Mapping[str, str] | None = None
    ) -> tuple[Sequence[Job], bool]:
        """The newest jobs first, those after the job `after`, with these metadata; and whether there are more.

        Raises NotFound for an unknown `after`.
        """
        query = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit + 1)
        for key, value in (labelled or {}).items():
            query = query.where(text_at(jobs.c.metadata, key) == value)
        with self._database.reading() as connection:
            if after is not None:
                last = connection.execute(select(jobs.c.created_at).where(jobs.c.id == after)).scalar()
                if last is None:
                    raise _no_job(after)
                same = and_(jobs.c.created_at == last, jobs.c.id < after)
                query = query.where(or_(jobs.c.created_at < last, same))
            rows = connection.execute(query).all()
        return [to_job(row) for row in rows[:limit]], len(rows) > limit

    def cancel(self, job_id: str) -> Job:
        """Ends a job that has not ended; its worker stops as soon as it hears of it. Raises NotFound, Conflict."""
        return self._ask(job_id, Move.CANCEL, "The job was cancelled.", finished_at=now(), worker=None)

    def pause(self, job_id: str) -> Job:
        """Lets a job rest; a running one goes on from its last whole epoch later. Raises NotFound, Conflict."""
        tries = case((jobs.c.state == State.RUNNING, jobs.c.tries - 1), else_=jobs.c.tries)
        return self._ask(job_id, Move.PAUSE, "The job was paused.", worker=None, tries=tries)

    def resume(self, job_id: str) -> Job:
        """Queues a paused job again. Raises NotFound, Conflict."""
        return self._ask(job_id, Move.RESUME, "The job waits for its turn again.")

    def _ask(self, job_id: str, move: Move, message: str, **values: Any) -> Job:
        def asked(connection: Connection) -> Job:
            row = moved(connection, move, jobs.c.id == job_id, lease_until=None, **values)
            if row is not None:
                say(connection, job_id, "info", "state", message, {"state": row.state})
                trail.write(connection, _WRITTEN[move], job_id)
                return to_job(row)
            state = connection.execute(select(jobs.c.state).where(jobs.c.id == job_id)).scalar()
            if state is None:
                raise _no_job(job_id)
            raise Conflict("job_state", _REFUSALS.get(State(state), f"A job that is {state} has nothing to {move}."))

        return self._database.making_room(asked)  # on a full disk too: what a job needs can't be deleted before

    def events(
        self, job_id: str, limit: int, *, after: int = 0, before: int | None = None, newest_first: bool = False
    ) -> tuple[Sequence[JobEvent], bool]:
        """A job's events with numbers above `after` and below `before`, and whether there are more. Raises NotFound."""
        number = events.c.number
        query = select(events).where(events.c.job == job_id, number > after)
        query = query if before is None else query.where(number < before)
        query = query.order_by(number.desc() if newest_first else number).limit(limit + 1)
        with self._database.reading() as connection:
            if connection.execute(select(jobs.c.id).where(jobs.c.id == job_id)).scalar() is None:
                raise _no_job(job_id)
            rows = connection.execute(query).all()
        return [JobEvent(**row._mapping) for row in rows[:limit]], len(rows) > limit


def _no_job(job_id: str) -> NotFound:
    return NotFound(
        "job_not_found",
        f"There is no job {job_id[:60]}; those that ended long ago are forgotten. See the list of jobs.",
    )
