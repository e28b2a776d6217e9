"""Which version a job that has not ended starts from: it can't be deleted."""

import contextlib
from collections.abc import Iterator

from sqlalchemy import Connection, select

from app.errors import Conflict, StateReadOnly
from app.jobs.bounds.room import one_at_a_time
from app.jobs.job import ENDED
from app.jobs.tables import jobs
from app.storage.db import Database


class JobNeeds:
    """What the jobs of one database need of the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def needing(self, base: str) -> str | None:
        """A job that has not ended and starts from the version `base` (`digits@1`). Raises DatabaseUnavailable."""
        with self._database.reading() as connection:
            return _needing(connection, base)

    @contextlib.contextmanager
    def without(self, base: str) -> Iterator[None]:
        """Holds the jobs still while none that has not ended starts from the version `base` (`digits@1`).

        Raises Conflict (`version_in_use`), DatabaseUnavailable.
        """
        with contextlib.ExitStack() as stack:
            try:
                connection = stack.enter_context(self._database.writing())
                one_at_a_time(connection)
            except StateReadOnly:  # then nobody makes one either
                connection = stack.enter_context(self._database.reading())
            job = _needing(connection, base)
            if job is not None:
                raise Conflict("version_in_use", f"The job {job} starts from {base}. Cancel it, or wait for its end.")
            yield


def _needing(connection: Connection, base: str) -> str | None:
    needs = select(jobs.c.id).where(jobs.c.base == base, jobs.c.state.not_in(ENDED))
    return connection.execute(needs.limit(1)).scalar()
