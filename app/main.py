"""The composition root of an API process, as `app.background` is of a worker process: here its objects are wired."""

from asyncio import to_thread
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.metadata import version as package_version

import structlog
from fastapi import APIRouter, FastAPI

from app import catalog
from app.decoding.decoder import Decoder
from app.environment import between_commas, networks
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
from app.inference.beside import Understudy
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
from app.shadow import routes as shadow_routes
from app.shadow.collector import Collector
from app.shadow.keeper import ShadowKeeper
from app.shadow.sample import Sample
from app.storage.db import Database
from app.supervision import health
from app.ui import pages
from app.web import error_handlers, openapi, slashes
from app.web.access.door import Door
from app.web.access.hosts import Hosts
from app.web.access.key_store import KeyStore
from app.web.access.keyring import Keyring
from app.web.access.known_keys import KnownKeys
from app.web.access.loopback import is_loopback
from app.web.access.origins import Origins
from app.web.access.proxies import Proxies
from app.web.access.rates import Allowance, RateLimits
from app.web.access.shared_counts import SharedCounts
from app.web.budget import ByteBudget
from app.web.drain import Drain
from app.web.entry import Entry, Service
from app.web.head import Head
from app.web.limits import BodyLimits
from app.web.locations import Locations
from models_store.errors import StoreError
from models_store.model import best_device
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.shipped_version import install_shipped
from models_store.specs import InputSpec

_KEYS_SECONDS = 2.0  # for the database to say which keys count

_log = structlog.get_logger("digitserve.process")

_DESCRIPTION = """Reads handwritten digits on people's pictures.

Every error is `application/problem+json`; its `code` is stable, its `detail` says what to do, its `request_id` is in
the log and in the answer's header `X-Request-ID`."""


def create_app(settings: Settings, *, is_local: bool | None = None, counts: SharedCounts | None = None) -> Service:
    """The service. Making it touches nothing; when it starts, it copies the shipped version into the store and loads
    the default model's champion. `is_local` says that only this machine reaches its socket (None: as far as the host's
    setting tells). In `counts` it counts together with others what visitors ask."""
    registry = Registry(settings.store_dir)
    device = best_device() if settings.device == "auto" else settings.device
    decoder = Decoder(settings.max_image_pixels, settings.picture_cpu_seconds, settings.data_set_pixels)
    engine = Engine(
        registry, device, decoder,
        max_loaded=settings.max_live_versions, max_image_pixels=settings.max_image_pixels,
        fastest=KnownFastest(settings.state_dir, device),
    )  # fmt: skip
    database, drain = Database(settings.database), Drain()
    keyring = _keyring(settings, is_loopback(settings.host) if is_local is None else is_local)
    review = ReviewStore(database, settings.state_dir, settings.review_max, settings.review_kept_days)
    sampler = UncertaintySampler(review.add, decoder.strip) if settings.keep_uncertain else None
    sample = Sample(database, settings.state_dir)
    keeper = ShadowKeeper(registry, database, sample)
    collector = Collector(keeper, sample, decoder.strip)
    beside = Understudy(engine, settings.shadow_share, collector.take)
    engine.beside = beside.offer if settings.shadow_share else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            await to_thread(install_shipped, registry)
        except (StoreError, OSError) as error:  # what is in the store may serve all the same
            _log.error("store_refuses", why=str(error))
        decoder.warm()
        await keyring.begin()
        try:
            async with engine.running(settings.default_model):
                yield
        finally:
            beside.close()
            await to_thread(collector.close)
            if sampler is not None:
                await to_thread(sampler.close)
            decoder.close()
            await to_thread(keyring.close)
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
        servers=[{"url": settings.root_path}] if settings.root_path else None,
    )
    app.state.drain = drain  # for the process, which begins it
    keep = sampler.keep if sampler else None
    for routes in (
        *_reading(settings, engine, registry, drain, keep, JobNeeds(database), keyring),
        *_learning(settings, registry, database, review, drain, decoder, keyring),
        shadow_routes.router(keeper, sample, engine.pool.refresh, settings.shadow_share, beside.trouble),
    ):
        app.include_router(routes)
    pages.install(app)
    slashes.install(app)
    error_handlers.install(app)
    openapi.install(app)
    if settings.root_path:
        app.add_middleware(Locations, root_path=settings.root_path)
    app.add_middleware(Head)
    uploads = {"POST /v1/files": settings.max_file_bytes}
    limits = BodyLimits(settings.max_body_bytes, uploads, ByteBudget(settings.max_bytes_waiting))
    direct = {
        "/v1/predict": predict.direct(engine, settings.default_model, keep),
        "/v1/predict/batch": batch.direct(engine, settings.default_model, keep),
    }
    app.entry = Entry(app.routed, limits, drain, direct, _door(settings, keyring, counts))
    return app


def _keyring(settings: Settings, is_local: bool) -> Keyring:
    """Its database is its own: who waits for a connection of the others waits for no key."""
    store = KeyStore(Database(settings.database, _KEYS_SECONDS))
    return Keyring(KnownKeys(store), is_local=is_local, insecure=settings.insecure)


def _door(settings: Settings, keyring: Keyring, counts: SharedCounts | None) -> Door:
    """Whom the service lets in."""
    return Door(
        Proxies(networks(settings.trusted_proxies), settings.root_path),
        Hosts(between_commas(settings.allowed_hosts), settings.host),
        Origins(between_commas(settings.allowed_origins)),
        keyring,
        RateLimits(Allowance(settings.rate_requests, settings.rate_concurrent, settings.rate_bytes), counts),
    )


def _reading(
    settings: Settings,
    engine: Engine,
    registry: Registry,
    drain: Drain,
    keep: Keep | None,
    needs: JobNeeds,
    keyring: Keyring,
) -> Iterator[APIRouter]:
    """Routes that read pictures, and that say by which versions."""

    def champion() -> str | None:
        if drain.begun or not keyring.knows():
            return None
        loaded = engine.pool.champion(settings.default_model)
        return loaded.version.ref if loaded else None

    def why() -> str:
        if drain.begun:
            return "This process is about to end."
        return engine.pool.why(settings.default_model) if keyring.knows() else "The database does not say who may ask."

    def serving(version: Version) -> catalog.Serving | None:
        loaded = engine.pool.find(version.name, version.number)
        return catalog.Serving(loaded.model.candidate, engine.device) if loaded else None

    yield predict.router(engine, settings.default_model, keep)
    yield batch.router(engine, settings.default_model, keep)
    yield read.router(engine, settings.default_model)
    yield catalog.router(registry, serving, engine.pool.refresh, needs.without)
    yield health.router(champion, why)


def _learning(
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
