"""Every order in which people and workers can act on jobs, against a model of a few lines that knows no SQL."""

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from sqlalchemy import text

from app.errors import Conflict
from app.jobs.job import Job
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.storage.db import Database
from tests.support.ordered import ORDER, add_file, expire

TRIES = 3
ENDED = ("succeeded", "failed", "cancelled")
BY_PEOPLE = {
    "cancel": {"queued": "cancelled", "paused": "cancelled", "running": "cancelled"},
    "pause": {"queued": "paused", "running": "paused"},
    "resume": {"paused": "queued"},
}


@dataclass
class Known:
    """What the model knows of one job."""

    id: str
    state: str = "queued"
    attempt: int = 0
    tries: int = 0
    holder: tuple[str, int] | None = None  # worker and attempt
    is_late: bool = False  # the lease is over
    said: list[str] = field(default_factory=lambda: ["queued"])  # a state, or words

    def becomes(self, state: str) -> None:
        self.state = state
        self.said.append(state)
        if state not in ("running", "publishing"):
            self.holder, self.is_late = None, False

    @property
    def is_lost(self) -> bool:
        return self.is_late

    @property
    def has_tries(self) -> bool:
        return self.tries < (2 * TRIES if self.state == "publishing" else TRIES)


class Machine(RuleBasedStateMachine):
    """Two workers and some people act on a few jobs. `claims` are all records that a worker ever got."""

    claims: Bundle[Job] = Bundle("claims")
    jobs: Bundle[Known] = Bundle("jobs")

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self.store = JobStore(database)
        self.leases = Leases(database, max_tries=TRIES)
        self.known: list[Known] = []
        with database.writing() as connection:
            for table in ("events", "jobs", "files"):
                connection.execute(text(f"DELETE FROM {table}"))
        add_file(database)

    def _add(self) -> Known:
        job = self.store.add(ORDER)
        with self.database.writing() as connection:  # made at different times, however fast this machine is
            query = text("UPDATE jobs SET created_at = :at WHERE id = :id")
            connection.execute(query, {"at": len(self.known), "id": job.id})
        self.known.append(Known(job.id))
        return self.known[-1]

    @initialize(target=jobs)
    def first(self) -> Known:
        return self._add()

    @rule(target=jobs)
    def add(self) -> Known:
        return self._add() if len(self.known) < 3 else self.known[0]

    @rule(job=jobs, move=st.sampled_from(sorted(BY_PEOPLE)))
    def people(self, job: Known, move: str) -> None:
        after = BY_PEOPLE[move].get(job.state)
        if after is None:
            with pytest.raises(Conflict):
                getattr(self.store, move)(job.id)
            return
        if move == "pause" and job.state == "running":
            job.tries -= 1
        job.becomes(after)
        assert getattr(self.store, move)(job.id).state == after

    @rule(target=claims, worker=st.sampled_from(["worker-1", "worker-2"]))
    def claim(self, worker: str) -> Job:
        free = [job for job in self.known if job.has_tries and (job.state == "queued" or job.is_lost)]
        found = self.leases.claim(worker)
        if not free:
            assert found is None
            return multiple()  # type: ignore[return-value]
        job = free[0]  # the oldest
        job.attempt, job.tries, job.is_late = job.attempt + 1, job.tries + 1, False
        job.holder = (worker, job.attempt)
        job.said.append("running")
        job.state = "running" if job.state == "queued" else job.state
        assert found is not None
        assert (found.id, found.worker, found.attempt) == (job.id, *job.holder)
        return found

    @rule()
    def nobody_is_heard_of(self) -> None:
        expire(self.database)
        for job in self.known:
            job.is_late = job.is_late or job.holder is not None

    @rule()
    def give_up_lost(self) -> None:
        lost = [job for job in self.known if job.is_lost and not job.has_tries]
        for job in lost:
            job.becomes("failed")
        assert {job.id for job in self.leases.give_up_lost()} == {job.id for job in lost}

    def _holds(self, record: Job) -> Known | None:
        job = next(job for job in self.known if job.id == record.id)
        return job if job.holder == (record.worker, record.attempt) else None

    @rule(record=claims, words=st.sampled_from(["", "words"]))
    def goes_on(self, record: Job, words: str) -> None:
        job = self._holds(record)
        told = self.leases.tell(record, "info", "message", words) if words else self.leases.beat(record, {"epoch": 1})
        assert told == (job is not None)
        if job is not None:
            job.is_late = False
            job.said += [words] if words else []

    @rule(record=claims)
    def publish(self, record: Job) -> None:
        job = self._holds(record)
        assert self.leases.publish(record) == (job is not None)
        if job is not None:
            job.state, job.is_late = "publishing", False

    @rule(record=claims)
    def succeed(self, record: Job) -> None:
        job = self._holds(record)
        may = job is not None and job.state == "publishing"
        assert self.leases.succeed(record, {"version": "digits@2"}) == may
        if job is not None and may:
            job.becomes("succeeded")

    @rule(record=claims)
    def fail(self, record: Job) -> None:
        job = self._holds(record)
        assert self.leases.fail(record, "code", "words") == (job is not None)
        if job is not None:
            job.becomes("failed")

    @rule(record=claims, counts=st.booleans())
    def release(self, record: Job, counts: bool) -> None:
        job = self._holds(record)
        assert self.leases.release(record, "words", counts=counts) == (job is not None)
        if job is not None:
            is_last = counts and not job.has_tries
            job.tries -= 0 if counts or is_last else 1
            if is_last or job.state == "running":
                job.becomes("failed" if is_last else "queued")
            else:
                job.said.append("publishing")
                job.holder, job.is_late = None, True

    @invariant()
    def the_database_agrees(self) -> None:
        for known in self.known:
            job = self.store.get(known.id)
            assert (job.state, job.attempt, job.tries) == (known.state, known.attempt, known.tries)
            assert job.worker == (known.holder[0] if known.holder else None)
            assert (job.lease_until is not None) == (known.holder is not None or known.is_late)
            assert (job.finished_at is not None) == (known.state in ENDED)
            events, _ = self.store.events(known.id, 1000)
            assert [event.number for event in events] == list(range(1, len(known.said) + 1))
            assert [(event.data or {}).get("state", event.message) for event in events] == known.said


def test_any_order_of_events(database: Database, kind: str) -> None:
    class OnThisDatabase(Machine):
        def __init__(self) -> None:
            super().__init__(database)

    run_machine(
        OnThisDatabase,
        settings=settings(
            max_examples=50 if kind == "sqlite" else 15, stateful_step_count=30, deadline=None, database=None,
            derandomize=True, suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
