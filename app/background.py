"""The composition root of a worker process, as `app.main` is of an API process: here its objects are wired together."""

import datetime
import os
import select
import signal
import threading
from functools import partial
from pathlib import Path

import structlog

from app.feedback.store import FeedbackStore
from app.files.store import FileStore
from app.jobs import corrections
from app.jobs.attempt import Attempt
from app.jobs.automatic import AutomaticJobs
from app.jobs.builder import JobBuilder
from app.jobs.folder import AttemptFolders
from app.jobs.housekeeping import Housekeeping
from app.jobs.launcher import LocalLauncher
from app.jobs.leases import Leases
from app.jobs.promotion import Promoter
from app.jobs.store import JobStore
from app.jobs.worker import Worker
from app.logs import output
from app.review.store import ReviewStore
from app.settings import WorkerSettings
from app.storage.db import Database
from models_store import retention
from models_store.machine import cores
from models_store.registry import Registry
from models_store.shipped_version import open_store

_log = structlog.get_logger("digitserve.jobs")


def run(settings: WorkerSettings, *, lifeline: int | None = None, beside: bool = False) -> None:
    """Works until SIGTERM, SIGINT or, with a lifeline, the end of the parent (see app.process).

    `beside` leaves one core to whoever serves on this machine.
    """
    output.configure(settings.log_format, settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if lifeline is not None:
        threading.Thread(target=_watch, args=(lifeline, stop), daemon=True).start()
    threads = settings.job_threads or (max(1, cores() - 1) if beside else cores())
    database = Database(settings.database)
    worker = create_worker(settings, open_store(settings.store_dir), database, threads)
    _log.info("worker_ready", worker=worker.name, threads=threads)
    try:
        worker.work(stop.wait)
    finally:
        database.close()
    _log.info("worker_stopped", worker=worker.name)


def create_worker(settings: WorkerSettings, registry: Registry, database: Database, threads: int) -> Worker:
    """A worker that trains with so many threads. Making it touches nothing."""
    files = FileStore(database, settings.state_dir)
    feedback = FeedbackStore(database, settings.state_dir, settings.feedback_max)
    review = ReviewStore(database, settings.state_dir, settings.review_max, settings.review_kept_days)
    leases = Leases(database, settings.job_lease_seconds, on_success=corrections.mark)
    root = Path(os.path.realpath(settings.state_dir)) / "jobs"
    folders = AttemptFolders(root, files.path, partial(corrections.write, feedback))
    builder = JobBuilder(registry, files, feedback.per_label, settings.job_min_accuracy)
    automatic = AutomaticJobs(
        JobStore(database), builder, feedback.waiting, settings.default_model, settings.feedback_job_after
    )

    def sweep() -> None:
        review.sweep()  # first: people's pictures
        feedback.sweep(settings.feedback_kept_days)
        files.sweep()
        retention.sweep(registry, datetime.datetime.now(datetime.UTC))

    launcher = LocalLauncher(settings.store_dir, settings.data_dir, threads, settings.device, os.environ)
    attempt = partial(
        Attempt, leases=leases, launcher=launcher, promoter=Promoter(registry), folders=folders,
        stall_seconds=settings.job_stall_seconds,
    )  # fmt: skip
    housekeeping = Housekeeping(leases, folders, settings.job_kept_days, sweep, automatic.look)
    return Worker(leases, attempt, housekeeping)


def _watch(lifeline: int, stop: threading.Event) -> None:
    select.select([lifeline], [], [])  # nobody ever writes: it is readable when the parent is gone
    stop.set()
