"""The app of an API process: its objects are made here, and given to each other."""

from asyncio import to_thread
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version as package_version
from typing import TYPE_CHECKING

import structlog
from fastapi import FastAPI

from app.decoding.decoder import Decoder
from app.inference.beside import Understudy
from app.inference.engine import Engine
from app.inference.fastest import KnownFastest
from app.main.access import door_of, keyring_of
from app.main.learning import learning
from app.main.measuring import gauges
from app.main.reading import reading
from app.main.watching import sight_of, watching
from app.predict import batch, predict
from app.review.sampler import UncertaintySampler
from app.review.store import ReviewStore
from app.settings import Settings
from app.shadow import routes as shadow_routes
from app.shadow.collector import Collector
from app.shadow.keeper import ShadowKeeper
from app.shadow.sample import Sample
from app.storage.audit.moves import AuditedRegistry
from app.storage.audit.trail import Trail
from app.storage.db import Database
from app.telemetry import pulse
from app.telemetry.board import Board
from app.telemetry.measures import Measures
from app.telemetry.overview import Overview
from app.telemetry.tracing import wanted
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
from app.web.openapi import names
from models_store.errors import StoreError
from models_store.model import best_device
from models_store.registry import Registry
from models_store.shipped_version import install_shipped

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig

_log = structlog.get_logger("digitserve.process")

_DESCRIPTION = """Reads handwritten digits on people's pictures.

Every error is `application/problem+json`; its `code` is stable, its `detail` says what to do, its `request_id` is in
the log and in the answer's header `X-Request-ID`."""


# Some releases of FastAPI trace by themselves; app.telemetry.tracing does, where an operator wants it
_NO_TELEMETRY: "TelemetryConfig" = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


def create_app(
    settings: Settings,
    *,
    is_local: bool | None = None,
    counts: SharedCounts | None = None,
    board: Board | None = None,
) -> Service:
    """The service. Making it touches nothing; when it starts, it copies the shipped version into the store and loads
    the default model's champion. `is_local` says that only this machine reaches its socket (None: as far as the host's
    setting tells). In `counts` it counts together with others what visitors ask, on the `board` what it does itself."""
    measures, board = Measures(), board or Board.alone()
    overview, sight = Overview(measures, board), sight_of(settings, board)
    traces = wanted.traces(settings.traces_url, settings.traces_share, overview.process)
    registry = Registry(settings.store_dir)
    device = best_device() if settings.device == "auto" else settings.device
    decoder = Decoder(
        settings.max_image_pixels, settings.picture_cpu_seconds, settings.data_set_pixels, measures=measures
    )
    engine = Engine(
        registry, device, decoder,
        max_loaded=settings.max_live_versions, max_image_pixels=settings.max_image_pixels,
        fastest=KnownFastest(settings.state_dir, device), measures=measures,
    )  # fmt: skip
    database, drain = Database(settings.database), Drain()
    keyring = keyring_of(settings, is_loopback(settings.host) if is_local is None else is_local)
    review = ReviewStore(database, settings.state_dir, settings.review_max, settings.review_kept_days)
    sampler = UncertaintySampler(review.add, decoder.strip) if settings.keep_uncertain else None
    sample = Sample(database, settings.state_dir)
    audited = AuditedRegistry(registry, Trail(database))  # for whoever moves aliases
    keeper = ShadowKeeper(registry, database, sample)
    collector = Collector(keeper, sample, decoder.strip)
    beside = Understudy(engine, settings.shadow_share, collector.take)
    engine.beside = beside.offer if settings.shadow_share else None
    engine.traced = traces.steps if traces else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            await to_thread(install_shipped, registry)
        except (StoreError, OSError) as error:  # what is in the store may serve all the same
            _log.error("store_refuses", why=str(error))
        decoder.warm()
        if traces is not None:
            traces.begin()
        await keyring.begin()
        try:
            async with engine.running(settings.default_model), pulse.writing(overview):
                yield
        finally:
            beside.close()
            await to_thread(collector.close)
            if sampler is not None:
                await to_thread(sampler.close)
            decoder.close()
            sight.close()
            if traces is not None:
                await to_thread(traces.close)
            await to_thread(keyring.close)
            database.close()

    app = Service(
        title="DigitServe",
        version=package_version("digitserve"),
        description=_DESCRIPTION,
        license_info={"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        telemetry=_NO_TELEMETRY,
        separate_input_output_schemas=False,
        openapi_url=None,  # app.web.openapi serves it
        generate_unique_id_function=names.operation_id,
        docs_url=None,  # app.ui has its own, which load nothing from outside
        redoc_url=None,
        servers=[{"url": settings.root_path}] if settings.root_path else None,
    )
    app.state.drain = drain  # for the process, which begins it
    app.state.measures = measures  # for its connections
    keep = sampler.keep if sampler else None
    for routes in (
        *reading(settings, engine, audited, drain, keep, database, keyring, decoder.is_able, overview),
        *learning(settings, registry, database, review, drain, decoder, keyring),
        *watching(overview, sight),
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
    budget = ByteBudget(settings.max_bytes_waiting)
    limits = BodyLimits(settings.max_body_bytes, uploads, budget)
    direct = {
        "/v1/predict": predict.direct(engine, settings.default_model, keep),
        "/v1/predict/batch": batch.direct(engine, settings.default_model, keep),
    }
    app.entry = Entry(app.routed, limits, drain, direct, door_of(settings, keyring, counts), measures)
    app.entry.traces = traces
    gauges(measures, settings, engine, decoder, budget)
    return app
