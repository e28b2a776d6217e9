"""The composition root of a worker process, as `app.main` is of an API process: here its objects are wired together."""

import datetime
import os
import signal
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import Connection

from app.errors import CannotStart
from app.feedback.lessons import Lessons
from app.feedback.lineage import Lineage
from app.feedback.store import FeedbackStore
from app.feedback.tables import feedback as feedback_table
from app.feedback.tables import lessons as lesson_table
from app.files.store import FileStore
from app.files.tables import files as file_table
from app.jobs import corrections, promotion
from app.jobs.attempt import Attempt
from app.jobs.automatic import AutomaticJobs
from app.jobs.bounds.history import History
from app.jobs.bounds.room import job_limits
from app.jobs.builder import JobBuilder
from app.jobs.folder import AttemptFolders
from app.jobs.housekeeping import Housekeeping
from app.jobs.job import Job
from app.jobs.launcher import LocalLauncher
from app.jobs.leases import Leases
from app.jobs.promotion import Promoter
from app.jobs.store import JobStore
from app.jobs.tables import jobs as job_table
from app.jobs.worker import Worker
from app.logs import output
from app.review.store import ReviewStore
from app.review.tables import review as review_table
from app.settings import WorkerSettings
from app.shadow.keeper import ShadowKeeper
from app.shadow.sample import Sample
from app.shadow.tables import differences as difference_table
from app.shadow.tables import shadows as shadow_table
from app.storage import times, upkeep
from app.storage.audit.acting import as_worker
from app.storage.audit.moves import AuditedRegistry
from app.storage.audit.trail import Trail
from app.storage.db import Database
from app.supervision.lifeline import Lifeline
from app.telemetry import machine, pulse
from app.telemetry.board import Board
from app.telemetry.measures import Measures
from app.telemetry.overview import Overview
from models_store import retention
from models_store.machine import cores
from models_store.registry import Registry
from models_store.shipped_version import open_store

_TIMES = (
    feedback_table.c.changed_at, feedback_table.c.created_at, feedback_table.c.released_at, feedback_table.c.held_at,
    lesson_table.c.as_of, job_table.c.created_at, job_table.c.started_at,
    job_table.c.finished_at, file_table.c.created_at, review_table.c.created_at,
    shadow_table.c.created_at, shadow_table.c.ended_at, difference_table.c.created_at,
)  # fmt: skip
_log = structlog.get_logger("digitserve.jobs")


def run(
    settings: WorkerSettings,
    *,
    lifeline: Lifeline | None = None,
    beside: bool = False,
    board: Sequence[int] | None = None,
) -> None:
    """Works until SIGTERM, SIGINT or, with a lifeline, the end of the parent.

    `beside` leaves one core to whoever serves on this machine. `board` are a descriptor of the memory in which the
    processes of a server count, and the row of this one. Raises CannotStart where it is none.
    """
    output.configure(settings.log_format, settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if lifeline is not None:
        lifeline.take_over(stop.set)
    threads = settings.job_threads or (max(1, cores() - 1) if beside else cores())
    database, registry = Database(settings.database), open_store(settings.store_dir)
    upkeep.begin(settings.state_dir, settings.database_file, [registry.ballast, *filter(None, [database.ballast])])
    measures = Measures()
    machine.gauges(measures)
    overview = Overview(measures, _board(board))
    worker = create_worker(settings, registry, database, threads, measures)
    as_worker(worker.name)
    _log.info("worker_ready", worker=worker.name, threads=threads)
    try:
        with pulse.writing_in_a_thread(overview):
            worker.work(stop.wait)
    finally:
        database.close()
    _log.info("worker_stopped", worker=worker.name)


def _board(given: Sequence[int] | None) -> Board:
    try:
        return Board.alone() if given is None else Board(*given)
    except (OSError, ValueError):
        raise CannotStart("--board names no memory that `serve` has made. Leave it out.") from None


def create_worker(
    settings: WorkerSettings, registry: Registry, database: Database, threads: int, measures: Measures | None = None
) -> Worker:
    """A worker that trains with so many threads. Making it touches nothing."""
    files = FileStore(database, settings.state_dir)
    feedback = FeedbackStore(database, settings.state_dir, settings.feedback_max)
    review = ReviewStore(database, settings.state_dir, settings.review_max, settings.review_kept_days)
    audited = AuditedRegistry(registry, Trail(database))  # for whoever moves aliases
    keeper = ShadowKeeper(registry, database, Sample(database, settings.state_dir))
    history = History(database, settings.job_rows_kept_days)

    def on_success(connection: Connection, job: Job) -> None:
        corrections.mark(connection, job)
        promotion.note(connection, job)  # last: others wait for it

    leases = Leases(database, settings.job_lease_seconds, on_success=on_success, measures=measures)
    root = Path(os.path.realpath(settings.state_dir)) / "jobs"
    lessons = Lessons(feedback, Lineage(database, registry), settings.feedback_giver_share)

    def tell(job: Job, sentence: str) -> None:
        leases.tell(job, "info", "message", sentence)

    learned = corrections.Corrections(database, feedback, lessons, tell)
    folders = AttemptFolders(root, files.path, learned.write)
    builder = JobBuilder(registry, files, lessons.per_label, settings.job_min_accuracy)
    jobs = JobStore(database, job_limits(settings), builder.check_base)
    automatic = AutomaticJobs(
        jobs, builder, feedback.waiting, settings.default_model, settings.feedback_job_after, settings.feedback_promote
    )

    def sweep() -> None:
        review.sweep()  # first: people's pictures
        keeper.sweep()
        history.sweep()
        feedback.sweep(settings.feedback_kept_days)
        corrections.forget(database)
        files.sweep(settings.files_kept_days, jobs.using)
        retention.sweep(registry, datetime.datetime.now(datetime.UTC))

    launcher = LocalLauncher(settings.store_dir, settings.data_dir, threads, settings.device, os.environ)
    attempt = partial(
        Attempt, leases=leases, launcher=launcher, promoter=Promoter(audited), folders=folders,
        stall_seconds=settings.job_stall_seconds, max_seconds=settings.job_max_hours * 3600,
    )  # fmt: skip
    housekeeping = Housekeeping(
        leases, folders, settings.job_kept_days, sweep, automatic.look, partial(times.put_right, database, _TIMES)
    )
    return Worker(leases, attempt, housekeeping, folders.check_room, measures)
