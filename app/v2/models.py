"""/v2/models/{model}: what a version takes and gives, whether it is ready, and what it has read."""

from asyncio import to_thread
from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from app.inference.engine import Engine
from app.telemetry.instruments import Totals
from app.v2 import described
from app.v2.reader import named
from app.v2.schemas import CONFIG_EXAMPLE, ModelMetadata, ModelParam, ModelReady, Statistics, VersionParam
from app.v2.statistics import statistics
from app.web.openapi import raises
from app.web.openapi.codes import kept, v2
from app.web.openapi.raised import Responses
from app.web.route import StrictRoute
from models_store.refs import Ref
from models_store.registry import Registry

_CONFIG: Responses = {
    200: {
        "description": "Triton's ModelConfig in JSON",
        "content": {"application/json": {"schema": {"type": "object"}, "example": CONFIG_EXAMPLE}},
    }
}
_NAMED = raises(v2.NAME)
_LOADED = raises(v2.NAME, kept.LOADING)


def router(engine: Engine, registry: Registry, totals: Callable[[], Totals]) -> APIRouter:
    """The routes. `totals` is what all processes have counted."""
    routes = APIRouter(route_class=StrictRoute, prefix="/v2/models", tags=["v2"])

    def metadata(ref: Ref) -> ModelMetadata:
        version = registry.resolve(ref)
        return ModelMetadata.model_validate(described.metadata(version, registry.versions(version.name)))

    def config(ref: Ref) -> JSONResponse:
        return JSONResponse(described.config(registry.resolve(ref)))

    async def readiness(ref: Ref) -> ModelReady:
        return ModelReady(name=(await engine.pool.get(ref)).version.name)

    def counted(ref: Ref, *, is_one: bool) -> Statistics:
        number = registry.number(ref)
        of_it = statistics(totals(), lambda one: one.name == ref.name and (not is_one or one.version == number))
        return Statistics(model_stats=of_it)

    @routes.get("/stats", summary="What all versions have read")
    async def get_v2_statistics() -> Statistics:
        """Pictures, batches and seconds of each, in all processes of this server."""
        return Statistics(model_stats=await to_thread(statistics, totals(), lambda _: True))

    @routes.get("/{model}", summary="Inputs and outputs", responses=_NAMED)
    def get_v2_model(model: ModelParam) -> ModelMetadata:
        """What the champion takes and gives, and which versions there are."""
        return metadata(named(model))

    @routes.get("/{model}/versions/{version}", summary="Inputs and outputs of one version", responses=_NAMED)
    def get_v2_version(model: ModelParam, version: VersionParam) -> ModelMetadata:
        """What it takes and gives."""
        return metadata(named(model, version))

    @routes.get("/{model}/config", summary="Triton's configuration", response_model=None, responses=_CONFIG | _NAMED)
    def get_v2_model_config(model: ModelParam) -> JSONResponse:
        """The champion as Triton's `ModelConfig`; its parameter `labels` has the labels, in their order."""
        return config(named(model))

    @routes.get(
        "/{model}/versions/{version}/config",
        summary="Triton's configuration of one version",
        response_model=None,
        responses=_CONFIG | _NAMED,
    )
    def get_v2_version_config(model: ModelParam, version: VersionParam) -> JSONResponse:
        """As without a version."""
        return config(named(model, version))

    @routes.get("/{model}/ready", summary="Is it loaded?", responses=_LOADED)
    async def get_v2_model_readiness(model: ModelParam) -> ModelReady:
        """200 where the champion answers. What is not loaded yet is loaded now; 503 while that takes longer."""
        return await readiness(named(model))

    @routes.get("/{model}/versions/{version}/ready", summary="Is one version loaded?", responses=_LOADED)
    async def get_v2_version_readiness(model: ModelParam, version: VersionParam) -> ModelReady:
        """As without a version."""
        return await readiness(named(model, version))

    @routes.get("/{model}/stats", summary="What a model has read", responses=_NAMED)
    async def get_v2_model_statistics(model: ModelParam) -> Statistics:
        """Of each of its versions that has read anything; of one, where a version or an alias is named."""
        return await to_thread(counted, named(model), is_one="@" in model)

    @routes.get("/{model}/versions/{version}/stats", summary="What one version has read", responses=_NAMED)
    async def get_v2_version_statistics(model: ModelParam, version: VersionParam) -> Statistics:
        """Empty where it has read nothing."""
        return await to_thread(counted, named(model, version), is_one=True)

    return routes
