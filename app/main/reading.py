"""The routes that read pictures, and that say by which versions, wired."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from fastapi import APIRouter

from app import catalog
from app.inference.engine import Engine
from app.inference.uncertain import Keep
from app.jobs.needs import JobNeeds
from app.predict import batch, predict, read
from app.settings import Settings
from app.storage.audit.reading import AuditLog
from app.storage.audit.record import What
from app.storage.audit.trail import Trail
from app.storage.db import Database
from app.supervision import audited, health
from app.telemetry.overview import Overview
from app.v2 import infer, missing, models, server
from app.v2.reader import TensorReader
from app.web.access.keyring import Keyring
from app.web.drain import Drain
from models_store.registry import Registry, Version


def reading(
    settings: Settings,
    engine: Engine,
    registry: Registry,
    drain: Drain,
    keep: Keep | None,
    database: Database,
    keyring: Keyring,
    can_decode: Callable[[], Awaitable[bool]],
    overview: Overview,
) -> Iterator[APIRouter]:
    """Routes that read pictures, and that say by which versions; who did what with these."""
    needs, trail = JobNeeds(database), Trail(database)

    @contextmanager
    def unneeded(ref: str) -> Iterator[None]:
        """Around a deletion: announced before the jobs are held still, because SQLite has one writer."""
        with trail.around(What.VERSION_DELETED, ref), needs.without(ref):
            yield

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
        return catalog.Serving(loaded.model.candidate, loaded.model.device) if loaded else None

    async def not_ready() -> str | None:
        if champion() is None:
            return why()
        return None if await can_decode() else "No process can be had that decodes pictures."

    def is_loaded(name: str, number: int) -> bool:
        return engine.pool.find(name, number) is not None

    yield predict.router(engine, settings.default_model, keep)
    yield batch.router(engine, settings.default_model, keep)
    yield read.router(engine, settings.default_model)
    yield catalog.router(registry, serving, engine.pool.refresh, unneeded)
    yield audited.router(AuditLog(database))
    yield health.router(champion, why, can_decode)
    yield server.router(registry, not_ready, is_loaded)
    yield models.router(engine, registry, overview.totals)
    yield infer.router(TensorReader(engine, keep))
    yield missing.router()
