"""Worker: takes jobs from the database, one at a time, and has each of them trained."""

import os
import secrets
import socket
from collections.abc import Callable

import structlog

from app.errors import NOTHING_LASTS, AppError
from app.jobs.attempt import FULL, Attempt, Lost
from app.jobs.housekeeping import Housekeeping
from app.jobs.job import Job
from app.jobs.leases import Leases
from app.telemetry.measures import Measures
from models_store import durable

_POLL_SECONDS = 0.25
_RETRY_SECONDS = 1.0  # while the database does not answer

_log = structlog.get_logger("digitserve.jobs")


class Worker:
    """One job at a time. Several workers, on several machines, may share one database and one state folder."""

    def __init__(
        self,
        leases: Leases,
        attempt: Callable[[Job], Attempt],
        housekeeping: Housekeeping,
        check_room: Callable[[], object] = lambda: None,
        measures: Measures | None = None,
    ) -> None:
        """`attempt` makes the attempt at a job that this worker has claimed. `check_room` is asked before it claims
        one, and raises one of NOTHING_LASTS where none could be begun now."""
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._leases = leases
        self._attempt = attempt
        self._housekeeping = housekeeping
        self._check_room = check_room
        self._measures = measures or Measures()

    def work(self, wait: Callable[[float], bool]) -> None:
        """Claims and runs jobs. `wait` sleeps so many seconds and says whether to stop."""

        def waited(seconds: float) -> bool:
            self._housekeeping.look()
            return wait(seconds)

        down = False
        while not waited(_RETRY_SECONDS if down else 0.0):
            try:
                busy = self.step(waited)
                down = False
            except NOTHING_LASTS as error:
                if not down:
                    _log.error(error.code, why=str(error))
                down = True
                continue
            if not busy and waited(_POLL_SECONDS):
                return

    def step(self, wait: Callable[[float], bool]) -> bool:
        """Runs the next job; False where there is none. Raises one of NOTHING_LASTS."""
        self._check_room()
        job = self._leases.claim(self.name)
        if job is None:
            return False
        log = _log.bind(job=job.id, attempt=job.attempt)
        log.info("job_claimed", base=job.spec.base)
        try:
            self._attempt(job).run(wait)
            log.info("job_left")
        except Lost:
            log.info("job_lost")
            self._measures.job_attempts.add(("lost",))
        except AppError as refusal:
            if isinstance(refusal, NOTHING_LASTS):
                raise
            self._leases.fail(job, refusal.code, str(refusal))
        except OSError as error:
            self._not_begun(job, error)
        except Exception:
            log.exception("unforeseen")
            self._leases.release(job, "Something broke on our side; the log says what.", counts=True)
        return True

    def _not_begun(self, job: Job, error: OSError) -> None:
        _log.error("job_not_begun", job=job.id, why=error.strerror)
        if error.errno in durable.FULL:
            self._leases.fail(job, *FULL)
        else:
            self._leases.release(job, "The training could not be started.", counts=True)
