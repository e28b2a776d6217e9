"""The routes by which people teach, wired."""

from collections.abc import Iterator

from fastapi import APIRouter

from app.decoding.decoder import Decoder
from app.feedback import routes as feedback_routes
from app.feedback import sheet as feedback_sheet
from app.feedback.givers import Givers
from app.feedback.held import HeldBack
from app.feedback.intake import Intake
from app.feedback.lessons import Lessons
from app.feedback.lineage import Lineage
from app.feedback.store import FeedbackStore
from app.files import routes as file_routes
from app.files.inspection import Inspections
from app.files.room import FileLimits
from app.files.store import FileStore
from app.jobs import routes as job_routes
from app.jobs.bounds.effort import Effort
from app.jobs.bounds.history import History
from app.jobs.bounds.room import job_limits
from app.jobs.builder import JobBuilder
from app.jobs.store import JobStore
from app.jobs.stream import Streams
from app.review import routes as review_routes
from app.review.store import ReviewStore
from app.settings import Settings
from app.storage.db import Database
from app.web.access.keyring import Keyring
from app.web.drain import Drain
from models_store.errors import StoreError
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.specs import InputSpec


def learning(
    settings: Settings,
    registry: Registry,
    database: Database,
    review: ReviewStore,
    drain: Drain,
    decoder: Decoder,
    keyring: Keyring,
) -> Iterator[APIRouter]:
    """Routes by which people teach: data sets, corrections, pictures to review, jobs."""
    limits = FileLimits(settings.files_max, settings.files_max_bytes)
    files = FileStore(database, settings.state_dir, limits=limits)
    feedback = FeedbackStore(
        database, settings.state_dir, settings.feedback_max, most_bytes=settings.feedback_max_bytes
    )
    intake = Intake(registry, feedback, settings.max_image_pixels, review.answered, Givers(database).of)
    lineage = Lineage(database, registry)
    lessons = Lessons(feedback, lineage, settings.feedback_giver_share)
    builder = JobBuilder(registry, files, lessons.per_label, settings.job_min_accuracy)
    jobs = JobStore(database, job_limits(settings), builder.check_base)
    effort = Effort(History(database).pace, settings.job_max_hours)
    most = {"most": settings.job_streams, "most_of_client": settings.job_streams_per_client}
    streams = Streams(jobs, drain, **most, counts=keyring.counts)
    inspections = Inspections(decoder)

    def expected() -> InputSpec:
        """What uploads are looked at for; any that has pictures at all where there is no default model yet."""
        try:
            return registry.resolve(Ref(settings.default_model)).manifest.input
        except StoreError:
            return InputSpec()

    yield file_routes.router(files, expected, jobs.using, inspections)
    yield feedback_sheet.router(feedback, HeldBack(database, feedback), lineage, intake)  # first: its paths are no ids
    yield feedback_routes.router(feedback, intake, decoder, settings.default_model, settings.feedback_job_after)
    yield job_routes.router(jobs, builder, streams, inspections, effort)
    yield review_routes.router(review, intake.add, settings.keep_uncertain)
