"""History: what is kept of jobs that have ended. A row that goes takes its events and its idempotency key along."""

from sqlalchemy import ColumnElement, Connection, func, select

from app.jobs.bounds.effort import PACE
from app.jobs.job import ENDED, State
from app.jobs.tables import BY_ITSELF, events, jobs
from app.storage.db import Database, now

_DAY = 86_400
_AT_ONCE = 200  # jobs in one transaction, so that nobody waits for long
_PACED_BY = 20  # jobs
_A_NEW_ONE = 20  # that go when one comes


class History:
    """The ended jobs of one database."""

    def __init__(self, database: Database, kept_days: float = 0) -> None:
        """A job is forgotten `kept_days` after its end; 0: never."""
        self._database = database
        self._kept_days = kept_days

    def sweep(self) -> int:
        """Forgets what is past its time, and says how many. Raises one of NOTHING_LASTS."""
        gone, more = 0, bool(self._kept_days)
        while more:
            count = self._database.making_room(lambda connection: _forget(connection, self._old, _AT_ONCE))
            gone, more = gone + count, count == _AT_ONCE
        return gone

    def pace(self) -> float:
        """How many pictures a second nets were shown here: what surrounds a training counts least in the quickest of
        the last ones. Raises DatabaseUnavailable.
        """
        done = jobs.c.state == State.SUCCEEDED, jobs.c.worked_seconds > 0
        newest = select(jobs.c.pictures / jobs.c.worked_seconds).where(*done).order_by(jobs.c.created_at.desc())
        with self._database.reading() as connection:
            return max([PACE, *map(float, connection.execute(newest.limit(_PACED_BY)).scalars())])

    @property
    def _old(self) -> ColumnElement[bool]:
        return jobs.c.finished_at < now() - self._kept_days * _DAY


def forget_surplus(connection: Connection, most: int) -> None:
    """Makes room for one that comes, where there are more than `most`: those go that ended first."""
    count = connection.execute(select(func.count()).select_from(jobs)).scalar_one()
    if count > most:
        _forget(connection, jobs.c.id.is_not(None), min(count - most, _A_NEW_ONE))


def _forget(connection: Connection, which: ColumnElement[bool], most: int) -> int:
    """The last job that was made by itself stays: the next one hangs on it."""
    own = select(jobs.c.id).where(jobs.c.idempotency_key.startswith(BY_ITSELF, autoescape=True))
    last = own.order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(1)
    over = jobs.c.state.in_(ENDED), jobs.c.id.not_in(last), which
    oldest = select(jobs.c.id).where(*over).order_by(jobs.c.finished_at, jobs.c.id).limit(most)
    ids = list(connection.execute(oldest).scalars())
    connection.execute(events.delete().where(events.c.job.in_(ids)))
    connection.execute(jobs.delete().where(jobs.c.id.in_(ids)))
    return len(ids)
