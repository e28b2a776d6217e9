"""The composition root of an API process, as `app.background` is of a worker process: here its objects are wired."""

from asyncio import to_thread
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.metadata import version as package_version

import structlog
from fastapi import APIRouter, FastAPI

from app import catalog, health
from app.feedback import routes as feedback_routes
from app.feedback.intake import Intake
from app.feedback.store import FeedbackStore
from app.files import routes as file_routes
from app.files.inspection import Inspections
from app.files.store import FileStore
from app.inference.engine import Engine
from app.jobs import routes as job_routes
from app.jobs.builder import JobBuilder
from app.jobs.store import JobStore
from app.jobs.stream import Streams
from app.predict import batch, predict, read
from app.predict.uncertain import Keep
from app.review import routes as review_routes
from app.review.sampler import UncertaintySampler
from app.review.store import ReviewStore
from app.settings import Settings
from app.storage.db import Database
from app.ui import pages
from app.web import error_handlers
from app.web.drain import Drain, Draining
from app.web.head import Head
from app.web.limits import BodyLimit
from app.web.openapi import describe_problems
from app.web.request_log import RequestLog
from models_store.errors import StoreError
from models_store.model import best_device
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.shipped_version import install_shipped
from models_store.specs import InputSpec

_log = structlog.get_logger("digitserve.process")

_DESCRIPTION = """Reads handwritten digits on people's pictures.

Every error is `application/problem+json`; its `code` is stable, its `detail` says what to do, its `request_id` is in
the log and in the answer's header `X-Request-ID`."""


def create_app(settings: Settings) -> FastAPI:
    """The service. Making it touches nothing; when it starts, it copies the shipped version into the store and loads
    the default model's champion."""
    registry = Registry(settings.store_dir)
    device = best_device() if settings.device == "auto" else settings.device
    engine = Engine(registry, device, max_loaded=settings.max_live_versions, max_image_pixels=settings.max_image_pixels)
    database, drain = Database(settings.database), Drain()
    review = ReviewStore(database, settings.state_dir, settings.review_max, settings.review_kept_days)
    sampler = UncertaintySampler(review.add, settings.max_image_pixels) if settings.keep_uncertain else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            await to_thread(install_shipped, registry)
        except (StoreError, OSError) as error:  # what is in the store may serve all the same
            _log.error("store_refuses", why=str(error))
        try:
            async with engine.running(settings.default_model):
                yield
        finally:
            if sampler is not None:
                await to_thread(sampler.close)
            database.close()

    app = FastAPI(
        title="DigitServe",
        version=package_version("digitserve"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        separate_input_output_schemas=False,
        docs_url=None,  # app.ui has its own, which load nothing from outside
        redoc_url=None,
    )
    app.state.drain = drain  # for the process, which begins it
    keep = sampler.keep if sampler else None
    for routes in (
        *_reading(settings, engine, registry, drain, keep),
        *_learning(settings, registry, database, review, drain),
    ):
        app.include_router(routes)
    pages.install(app)
    error_handlers.install(app)
    describe_problems(app)
    app.add_middleware(Head)
    app.add_middleware(Draining, drain=drain)
    uploads = {"POST /v1/files": settings.max_file_bytes}
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes, max_bytes_of=uploads)
    app.add_middleware(RequestLog)  # added last, so outermost
    return app


def _reading(
    settings: Settings, engine: Engine, registry: Registry, drain: Drain, keep: Keep | None
) -> Iterator[APIRouter]:
    """Routes that read pictures, and that say by which versions."""

    def champion() -> str | None:
        if drain.begun:
            return None
        loaded = engine.pool.champion(settings.default_model)
        return loaded.version.ref if loaded else None

    def why() -> str:
        return "This process is about to end." if drain.begun else engine.pool.why(settings.default_model)

    def serving(version: Version) -> catalog.Serving | None:
        loaded = engine.pool.find(version.name, version.number)
        return catalog.Serving(loaded.model.candidate, engine.device) if loaded else None

    yield predict.router(engine, settings.default_model, keep)
    yield batch.router(engine, settings.default_model, keep)
    yield read.router(engine, settings.default_model)
    yield catalog.router(registry, serving, engine.pool.refresh)
    yield health.router(champion, why)


def _learning(
    settings: Settings, registry: Registry, database: Database, review: ReviewStore, drain: Drain
) -> Iterator[APIRouter]:
    """Routes by which people teach: data sets, corrections, pictures to review, jobs."""
    jobs, files = JobStore(database), FileStore(database, settings.state_dir)
    feedback = FeedbackStore(database, settings.state_dir, settings.feedback_max)
    intake = Intake(registry, feedback, settings.max_image_pixels, review.answered)
    builder = JobBuilder(registry, files, feedback.per_label, settings.job_min_accuracy)
    inspections = Inspections()

    def expected() -> InputSpec:
        """What uploads are looked at for; any that has pictures at all where there is no default model yet."""
        try:
            return registry.resolve(Ref(settings.default_model)).manifest.input
        except StoreError:
            return InputSpec()

    yield file_routes.router(files, expected, jobs.using, inspections)
    yield feedback_routes.router(feedback, intake, settings.default_model, settings.feedback_job_after)
    yield job_routes.router(jobs, builder, Streams(jobs, drain), inspections)
    yield review_routes.router(review, intake.add, settings.keep_uncertain)
