"""The app of an API process: its objects are made here, and given to each other."""

from asyncio import to_thread
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version as package_version

import structlog
from fastapi import FastAPI

from app.decoding.decoder import Decoder
from app.inference.beside import Understudy
from app.inference.engine import Engine
from app.inference.fastest import KnownFastest
from app.jobs.needs import JobNeeds
from app.main.access import door_of, keyring_of
from app.main.learning import learning
from app.main.reading import reading
from app.predict import batch, predict
from app.review.sampler import UncertaintySampler
from app.review.store import ReviewStore
from app.settings import Settings
from app.shadow import routes as shadow_routes
from app.shadow.collector import Collector
from app.shadow.keeper import ShadowKeeper
from app.shadow.sample import Sample
from app.storage.db import Database
from app.ui import pages
from app.web import error_handlers, openapi, slashes
from app.web.access.loopback import is_loopback
from app.web.access.shared_counts import SharedCounts
from app.web.budget import ByteBudget
from app.web.drain import Drain
from app.web.entry import Entry, Service
from app.web.head import Head
from app.web.limits import BodyLimits
from app.web.locations import Locations
from models_store.errors import StoreError
from models_store.model import best_device
from models_store.registry import Registry
from models_store.shipped_version import install_shipped

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
    keyring = keyring_of(settings, is_loopback(settings.host) if is_local is None else is_local)
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
        *reading(settings, engine, registry, drain, keep, JobNeeds(database), keyring),
        *learning(settings, registry, database, review, drain, decoder, keyring),
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
    app.entry = Entry(app.routed, limits, drain, direct, door_of(settings, keyring, counts))
    return app
