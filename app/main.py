"""create_app: the only place where objects are wired together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version as package_version

from fastapi import FastAPI
from pydantic import BaseModel

from app import catalog, health, predict, problems
from app.drain import Drain, Draining
from app.errors import EXAMPLE
from app.inference.engine import Engine
from app.limits import BodyLimit
from app.logs import RequestLog
from app.settings import Settings
from app.ui import pages
from models_store.model import best_device
from models_store.registry import Version, open_store

_DESCRIPTION = """Reads handwritten digits on people's pictures.

Every error is `application/problem+json`; its `code` is stable, its `detail` says what to do, its `request_id` is in
the log and in the answer's header `X-Request-ID`."""


class ProblemSchema(BaseModel):
    """The shape of every error."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    error: dict[str, str | None]


def create_app(settings: Settings) -> FastAPI:
    """The service. Starting it copies the shipped version into the store and loads the default model's champion."""
    registry = open_store(settings.store_dir)
    device = best_device() if settings.device == "auto" else settings.device
    engine = Engine(registry, device, max_live=settings.max_live_versions, max_image_pixels=settings.max_image_pixels)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with engine.running(settings.default_model):
            yield

    drain = Drain()

    def champion() -> str | None:
        if drain.begun:
            return None
        live = engine.fleet.champion(settings.default_model)
        return live.version.ref if live else None

    def serving(version: Version) -> catalog.Serving | None:
        live = engine.fleet.find(version.name, version.number)
        return catalog.Serving(live.model.candidate, device) if live else None

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
    problems.install(app)
    app.include_router(predict.router(engine, settings.default_model))
    app.include_router(catalog.router(registry, serving, engine.fleet.refresh))
    app.include_router(health.router(champion))
    pages.install(app)
    app.add_middleware(Draining, drain=drain)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(RequestLog)  # added last, so outermost
    _describe_problems(app)
    return app


def _describe_problems(app: FastAPI) -> None:
    """Puts the error shape into the OpenAPI document, in place of FastAPI's own 422, which is never sent."""
    plain = app.openapi

    def openapi() -> dict[str, object]:
        if app.openapi_schema is None:
            document = plain()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            schemas["Problem"] = {**ProblemSchema.model_json_schema(), "title": "Problem", "examples": [EXAMPLE]}
            for path in document["paths"].values():
                for operation in path.values():
                    operation["responses"].pop("422", None)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]
