"""Housekeeping: gives up jobs that nobody can do and clears away what is past its time.

Nothing that goes wrong here keeps a job from running.
"""

import time
from collections.abc import Callable

import structlog

from app.errors import AppError
from app.jobs.folder import AttemptFolders
from app.jobs.leases import Leases

_LOOK_SECONDS = 2.0
_CLEAR_SECONDS = 3600.0
_DAY = 86_400

_log = structlog.get_logger("digitserve.jobs")


class Housekeeping:
    """What every worker does beside its jobs. It does no harm that several do it."""

    def __init__(
        self,
        leases: Leases,
        folders: AttemptFolders,
        kept_days: float,
        sweep: Callable[[], object] = lambda: None,
        start: Callable[[], object] = lambda: None,
        put_right: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`folders` go `kept_days` after their job; `sweep` clears what else is stored; `start` makes the job that is
        due, if any; `put_right` corrects what was dated before the clock was set back.
        """
        self._leases = leases
        self._folders = folders
        self._kept_days = kept_days
        self._sweep = sweep
        self._start = start
        self._put_right = put_right
        self._clock = clock
        self._looked = self._cleared = -_CLEAR_SECONDS
        self._leaps = 0
        self._stripped: set[str] = set()  # jobs whose folders hold nobody's pictures any more
        self._failing = False

    def look(self) -> None:
        """Does what is due: every two seconds the jobs, every hour the rest. Logs errors, once while they last."""
        now = self._clock()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        try:
            for job in self._leases.give_up_lost():
                _log.error("job_given_up", job=job.id)
            self._start()
            self._strip()
            if self._leases.leaps > self._leaps:  # nothing is old because the clock was set: it has an hour to be right
                self._put_right()
                self._leaps, self._cleared = self._leases.leaps, now
            if now - self._cleared >= _CLEAR_SECONDS:
                self._clear()
                self._cleared = now
        except (AppError, OSError) as error:
            if not self._failing:
                _log.error("not_tidied", why=str(error) if isinstance(error, AppError) else error.strerror)
            self._failing = True
        else:
            self._failing = False

    def _strip(self) -> None:
        """People's pictures lie about no longer than somebody works with them: who deletes one need not look for jobs
        that wait or rest."""
        here = set(self._folders.present())
        self._stripped &= here
        for job_id in self._leases.ended(here - self._stripped):
            self._folders.strip(job_id)
            self._stripped.add(job_id)
        for job_id, attempt in self._leases.idle(here - self._stripped).items():
            self._folders.rest(job_id, attempt)

    def _clear(self) -> None:
        self._put_right()
        self._folders.remove(self._leases.ended(self._folders.present(), self._kept_days * _DAY))
        self._sweep()
