"""/v2: is the server alive and ready, what it is, and which versions it has."""

from asyncio import to_thread
from collections.abc import Awaitable, Callable, Iterator
from importlib.metadata import version as package_version

from fastapi import APIRouter, Request

from app.errors import BadRequest, NotReady
from app.v2.described import EXTENSIONS
from app.v2.schemas import ServerLive, ServerMetadata, ServerReady, VersionState
from app.web.openapi import raises
from app.web.openapi.codes import v2
from app.web.request import body_of, from_json
from app.web.route import StrictRoute
from models_store.errors import StoreBusy, StoreError
from models_store.refs import Ref
from models_store.registry import Registry

_INDEX_BODY = {
    "required": False,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"ready": {"type": "boolean", "description": "only those that are READY"}},
            },
            "example": {"ready": True},
        }
    },
}
_LOADED, _ON_DEMAND = "It is loaded.", "It is loaded when somebody asks for it."


def router(
    registry: Registry, not_ready: Callable[[], Awaitable[str | None]], is_loaded: Callable[[str, int], bool]
) -> APIRouter:
    """The routes. `not_ready` says why the server can't answer, None where it can."""
    routes = APIRouter(route_class=StrictRoute, prefix="/v2", tags=["v2"])

    @routes.get("/health/live", summary="Alive?")
    async def get_v2_liveness() -> ServerLive:
        """Touches nothing."""
        return ServerLive()

    @routes.get("/health/ready", summary="Ready?")
    async def get_v2_readiness() -> ServerReady:
        """As /readyz: 200 while this process can read pictures."""
        why = await not_ready()
        if why is not None:
            raise NotReady("not_ready", f"{why} Ask again soon.")
        return ServerReady()

    @routes.get("", summary="What the server is")
    async def get_v2_server() -> ServerMetadata:
        """Its release, and the extensions of the protocol that it has."""
        return ServerMetadata(version=package_version("digitserve"), extensions=EXTENSIONS)

    @routes.post(
        "/repository/index",
        summary="List versions",
        openapi_extra={"requestBody": _INDEX_BODY},
        responses=raises(v2.INDEX),
    )
    async def list_v2_versions(request: Request) -> list[VersionState]:
        """Every version of every model. Any of them can be asked: what is not loaded is loaded then."""
        body = await body_of(request)
        wanted = from_json(body) if body.strip() else {}
        if not isinstance(wanted, dict) or not isinstance(wanted.get("ready", False), bool):
            raise BadRequest("infer_request_invalid", 'The body must be an object of JSON: {}, or {"ready": true}.')
        found = await to_thread(lambda: [state(*one) for one in _versions(registry)])
        return [one for one in found if one.state == "READY" or not wanted.get("ready")]

    def state(name: str, number: int) -> VersionState:
        try:
            registry.resolve(Ref(name, None, number))
        except StoreBusy:  # it is there, and can't be looked at now
            raise
        except StoreError as refusal:
            return VersionState(name=name, version=str(number), state="UNAVAILABLE", reason=str(refusal))
        reason = _LOADED if is_loaded(name, number) else _ON_DEMAND
        return VersionState(name=name, version=str(number), state="READY", reason=reason)

    return routes


def _versions(registry: Registry) -> Iterator[tuple[str, int]]:
    for name in registry.models():
        for number in registry.versions(name):
            yield name, number
