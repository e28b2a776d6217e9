"""Room for jobs: how many may wait, of everybody and of one client."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from app.errors import TooBusy
from app.jobs.job import State
from app.jobs.tables import jobs
from app.settings import WorkerSettings
from app.storage import owner

_WAITING = State.QUEUED, State.PAUSED  # what they need lies on the disk meanwhile


@dataclass(frozen=True)
class JobLimits:
    """How many jobs there may be."""

    waiting: int = 100  # queued or paused
    waiting_of_client: int = 50
    kept: int = 10_000  # in all: beyond, those that ended first are forgotten


def job_limits(settings: WorkerSettings) -> JobLimits:
    """Those that the operator has set."""
    return JobLimits(settings.jobs_max_waiting, settings.jobs_max_per_client, settings.jobs_max)


def one_at_a_time(connection: Connection) -> None:
    """Whoever counts jobs, or needs that none comes, waits here for all others. SQLite knows no other way."""
    connection.execute(select(owner.identity).with_for_update())


def check_room(connection: Connection, limits: JobLimits, client: str | None) -> None:
    """Counts the jobs that wait, a new one too; the client of a job that is made by itself is None.

    Raises TooBusy (`too_many_jobs`).
    """
    waiting = select(func.count()).select_from(jobs).where(jobs.c.state.in_(_WAITING))
    advice = "Cancel some, or come back when some have ended."
    if connection.execute(waiting).scalar_one() > limits.waiting:
        raise TooBusy("too_many_jobs", f"{limits.waiting} jobs wait or are paused already. {advice}")
    if client is None:
        return
    if connection.execute(waiting.where(jobs.c.client == client)).scalar_one() > limits.waiting_of_client:
        raise TooBusy(
            "too_many_jobs",
            f"{limits.waiting_of_client} jobs of your address wait or are paused already. {advice}",
        )
