"""The routes that read pictures, and that say by which versions, wired."""

from collections.abc import Iterator

from fastapi import APIRouter

from app import catalog
from app.inference.engine import Engine
from app.jobs.needs import JobNeeds
from app.predict import batch, predict, read
from app.predict.uncertain import Keep
from app.settings import Settings
from app.supervision import health
from app.web.access.keyring import Keyring
from app.web.drain import Drain
from models_store.registry import Registry, Version


def reading(
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
