"""The composition root of an API process, as `app.background` is of a worker process: here its objects are wired."""

from asyncio import to_thread
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.metadata import version as package_version

import structlog
from fastapi import APIRouter, FastAPI

from app import catalog
from app.decoding.decoder import Decoder
from app.feedback import routes as feedback_routes
from app.feedback.intake import Intake
from app.feedback.store import FeedbackStore
from app.files import routes as file_routes
from app.files.inspection import Inspections
from app.files.room import FileLimits
from app.files.store import FileStore
from app.inference.engine import Engine
from app.inference.fastest import KnownFastest
from app.jobs import routes as job_routes
from app.jobs.bounds.effort import Effort
from app.jobs.bounds.history import History
from app.jobs.bounds.room import job_limits
from app.jobs.builder import JobBuilder
from app.jobs.needs import JobNeeds
from app.jobs.store import JobStore
from app.jobs.stream import Streams
from app.predict import batch, predict, read
from app.predict.uncertain import Keep
from app.review import routes as review_routes
from app.review.sampler import UncertaintySampler
from app.review.store import ReviewStore
from app.settings import Settings
from app.storage.db import Database
from app.supervision import health
from app.ui import pages
from app.web import error_handlers, openapi
from app.web.access.door import Door
from app.web.access.hosts import Hosts
from app.web.access.keyring import Keyring
from app.web.access.origins import Origins
from app.web.access.proxies import Proxies
from app.web.access.rates import RateLimits
from app.web.budget import ByteBudget
from app.web.drain import Drain
from app.web.entry import Entry, Service
from app.web.head import Head
from app.web.limits import BodyLimits
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


def create_app(settings: Settings) -> Service:
    """The service. Making it touches nothing; when it starts, it copies the shipped version into the store and loads
    the default model's champion."""
    registry = Registry(settings.store_dir)
    device = best_device() if settings.device == "auto" else settings.device
    decoder = Decoder(settings.max_image_pixels, settings.picture_cpu_seconds, settings.data_set_pixels)
    engine = Engine(
        registry, device, decoder,
        max_loaded=settings.max_live_versions, max_image_pixels=settings.max_image_pixels,
        fastest=KnownFastest(settings.state_dir, device),
    )  # fmt: skip
    database, drain = Database(settings.database), Drain()
    review = ReviewStore(database, settings.state_dir, settings.review_max, settings.review_kept_days)
    sampler = UncertaintySampler(review.add, decoder.strip) if settings.keep_uncertain else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            await to_thread(install_shipped, registry)
        except (StoreError, OSError) as error:  # what is in the store may serve all the same
            _log.error("store_refuses", why=str(error))
        decoder.warm()
        try:
            async with engine.running(settings.default_model):
                yield
        finally:
            if sampler is not None:
                await to_thread(sampler.close)
            decoder.close()
            database.close()

    app = Service(
        title="DigitServe",
        version=package_version("digitserve"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        separate_input_output_schemas=False,
        openapi_url=None,  # app.web.openapi serves it
        docs_url=None,  # app.ui has its own, which load nothing from outside
        redoc_url=None,
    )
    app.state.drain = drain  # for the process, which begins it
    keep = sampler.keep if sampler else None
    for routes in (
        *_reading(settings, engine, registry, drain, keep, JobNeeds(database)),
        *_learning(settings, registry, database, review, drain, decoder),
    ):
        app.include_router(routes)
    pages.install(app)
    error_handlers.install(app)
    openapi.install(app)
    app.add_middleware(Head)
    uploads = {"POST /v1/files": settings.max_file_bytes}
    limits = BodyLimits(settings.max_body_bytes, uploads, ByteBudget(settings.max_bytes_waiting))
    direct = {
        "/v1/predict": predict.direct(engine, settings.default_model, keep),
        "/v1/predict/batch": batch.direct(engine, settings.default_model, keep),
    }
    app.entry = Entry(app.routed, limits, drain, direct, _door(settings))
    return app


def _door(settings: Settings) -> Door:
    """Whom the service lets in."""
    return Door(Proxies(), Hosts(), Origins(), Keyring(), RateLimits())


def _reading(
    settings: Settings, engine: Engine, registry: Registry, drain: Drain, keep: Keep | None, needs: JobNeeds
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
    yield catalog.router(registry, serving, engine.pool.refresh, needs.without)
    yield health.router(champion, why)


def _learning(
    settings: Settings, registry: Registry, database: Database, review: ReviewStore, drain: Drain, decoder: Decoder
) -> Iterator[APIRouter]:
    """Routes by which people teach: data sets, corrections, pictures to review, jobs."""
    limits = FileLimits(settings.files_max, settings.files_max_bytes)
    files = FileStore(database, settings.state_dir, limits=limits)
    feedback = FeedbackStore(
        database, settings.state_dir, settings.feedback_max, most_bytes=settings.feedback_max_bytes
    )
    intake = Intake(registry, feedback, settings.max_image_pixels, review.answered)
    builder = JobBuilder(registry, files, feedback.per_label, settings.job_min_accuracy)
    jobs = JobStore(database, job_limits(settings), builder.check_base)
    effort = Effort(History(database).pace, settings.job_max_hours)
    streams = Streams(jobs, drain, most=settings.job_streams, most_of_client=settings.job_streams_per_client)
    inspections = Inspections(decoder)

    def expected() -> InputSpec:
        """What uploads are looked at for; any that has pictures at all where there is no default model yet."""
        try:
            return registry.resolve(Ref(settings.default_model)).manifest.input
        except StoreError:
            return InputSpec()

    yield file_routes.router(files, expected, jobs.using, inspections)
    yield feedback_routes.router(feedback, intake, decoder, settings.default_model, settings.feedback_job_after)
    yield job_routes.router(jobs, builder, streams, inspections, effort)
    yield review_routes.router(review, intake.add, settings.keep_uncertain)
