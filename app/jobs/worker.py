"""Worker: takes jobs from the database, one at a time, and has each of them trained. It imports no torch and answers no
HTTP; everything that it is made of is wired here.
"""

import datetime
import errno
import os
import secrets
import select
import signal
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog

from app import logs
from app.errors import AppError, DatabaseUnavailable, StorageFull
from app.feedback.store import FeedbackStore
from app.files.store import FileStore
from app.jobs import corrections
from app.jobs import folder as folders
from app.jobs.attempt import FULL, Attempt, Lost
from app.jobs.automatic import Automatic
from app.jobs.builder import JobBuilder
from app.jobs.housekeeping import Housekeeping
from app.jobs.job import Job
from app.jobs.launcher import Launcher, LocalLauncher
from app.jobs.leases import Leases
from app.jobs.promotion import Promoter
from app.jobs.store import JobStore
from app.review.store import ReviewStore
from app.settings import Settings
from app.storage.db import Database
from models_store import retention
from models_store.machine import cores
from models_store.registry import open_store

_POLL_SECONDS = 0.25
_RETRY_SECONDS = 1.0  # while the database does not answer

_log = structlog.get_logger("digitserve.jobs")


def run(settings: Settings, *, lifeline: int | None = None, beside: bool = False) -> None:
    """Works until SIGTERM, SIGINT or, with a lifeline, the end of the parent (see app.process).

    `beside` leaves one core to whoever serves on this machine.
    """
    logs.configure(settings.log_format, settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if lifeline is not None:
        threading.Thread(target=_watch, args=(lifeline, stop), daemon=True).start()
    threads = settings.job_threads or (max(1, cores() - 1) if beside else cores())
    database = Database(settings.database)
    registry = open_store(settings.store_dir)
    leases = Leases(database, settings.job_lease_seconds, on_success=corrections.mark)
    files = FileStore(database, settings.state_dir)
    feedback = FeedbackStore(database, settings.state_dir, settings.feedback_max)
    review = ReviewStore(database, settings.state_dir, settings.review_max, settings.review_kept_days)
    orders = JobBuilder(registry, files, feedback.per_label, settings.job_min_accuracy)
    automatic = Automatic(
        JobStore(database), orders, feedback.waiting, settings.default_model, settings.feedback_job_after
    )
    root = settings.state_dir.resolve() / "jobs"

    def sweep() -> None:
        review.sweep()  # first: people's pictures
        feedback.sweep(settings.feedback_kept_days)
        retention.sweep(registry, datetime.datetime.now(datetime.UTC))

    worker = Worker(
        leases,
        LocalLauncher(settings.store_dir, settings.data_dir, threads, settings.device, os.environ),
        Promoter(registry),
        Housekeeping(leases, files, root, settings.job_kept_days, sweep, automatic.look),
        root,
        files.path,
        settings.job_stall_seconds,
        write_corrections=partial(corrections.write, feedback),
    )
    _log.info("worker_ready", worker=worker.name, threads=threads)
    try:
        worker.work(stop.wait)
    finally:
        database.close()
    _log.info("worker_stopped", worker=worker.name)


def _watch(lifeline: int, stop: threading.Event) -> None:
    select.select([lifeline], [], [])  # nobody ever writes: it is readable when the parent is gone
    stop.set()


class Worker:
    """One job at a time. Several workers, on several machines, may share one database and one state folder."""

    def __init__(
        self,
        leases: Leases,
        launcher: Launcher,
        promoter: Promoter,
        housekeeping: Housekeeping,
        root: Path,
        path_of: Callable[[str], Path],
        stall_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        write_corrections: folders.WriteCorrections = folders.no_corrections,
    ) -> None:
        """`root` holds the folders of jobs, `path_of` says where an uploaded file's bytes are, `write_corrections`
        makes a data set of the corrections that a job learns from.
        """
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._leases = leases
        self._launcher = launcher
        self._promoter = promoter
        self._housekeeping = housekeeping
        self._root = root
        self._path_of = path_of
        self._stall_seconds = stall_seconds
        self._clock = clock
        self._write_corrections = write_corrections

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
            except (DatabaseUnavailable, StorageFull) as error:
                if not down:
                    _log.error(error.code, why=str(error))
                down = True
                continue
            if not busy and waited(_POLL_SECONDS):
                return

    def step(self, wait: Callable[[float], bool]) -> bool:
        """Runs the next job; False where there is none. Raises DatabaseUnavailable, StorageFull."""
        job = self._leases.claim(self.name)
        if job is None:
            return False
        log = _log.bind(job=job.id, attempt=job.attempt)
        log.info("job_claimed", base=job.order.base)
        try:
            self._attempt(job, wait)
            log.info("job_left")
        except Lost:
            log.info("job_lost")
        except AppError as refusal:
            if isinstance(refusal, (DatabaseUnavailable, StorageFull)):
                raise
            self._leases.fail(job, refusal.code, str(refusal))
        except OSError as error:
            self._not_begun(job, error)
        except Exception:
            log.exception("unforeseen")
            self._leases.release(job, "Something broke on our side; the log says what.", counts=True)
        return True

    def _attempt(self, job: Job, wait: Callable[[float], bool]) -> None:
        attempt = Attempt(
            job, self._leases, self._launcher, self._promoter, self._root, self._path_of, self._stall_seconds,
            clock=self._clock, write_corrections=self._write_corrections,
        )  # fmt: skip
        attempt.run(wait)

    def _not_begun(self, job: Job, error: OSError) -> None:
        _log.error("job_not_begun", job=job.id, why=error.strerror)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            self._leases.fail(job, *FULL)
        else:
            self._leases.release(job, "The training could not be started.", counts=True)
