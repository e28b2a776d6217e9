"""Extensions of the protocol that are not here: each address of theirs says so."""

from fastapi import APIRouter

from app.errors import NotFound

_READ, _CHANGED = ["GET"], ["POST"]
_MEMORY = "This server shares no memory with its clients. Send tensors in the body."
_TRACE = "Traces are no matter of clients here: the operator switches them on. Leave them out."
_LOG = "The log is no matter of clients here: the operator sets DIGITSERVE_LOG_LEVEL. Leave it out."
_LOAD = "Versions are loaded when somebody asks for them. Promote one by PUT /v1/models/{name}/aliases/champion."
# Triton's addresses, with their methods and what is said there
_ADDRESSES = {
    **{
        f"/{kind}sharedmemory{path}": (methods, _MEMORY)
        for kind in ("system", "cuda")
        for path, methods in {
            "/status": _READ,
            "/region/{name}/status": _READ,
            "/region/{name}/register": _CHANGED,
            "/region/{name}/unregister": _CHANGED,
            "/unregister": _CHANGED,
        }.items()
    },
    "/trace/setting": (_READ + _CHANGED, _TRACE),
    "/models/{model}/trace/setting": (_READ + _CHANGED, _TRACE),
    "/logging": (_READ + _CHANGED, _LOG),
    "/repository/models/{model}/load": (_CHANGED, _LOAD),
    "/repository/models/{model}/unload": (_CHANGED, _LOAD),
}


def router() -> APIRouter:
    """The routes, which the OpenAPI document leaves out."""
    routes = APIRouter(prefix="/v2")
    for path, (methods, sentence) in _ADDRESSES.items():
        _add(routes, path, methods, sentence)
    return routes


def _add(routes: APIRouter, path: str, methods: list[str], sentence: str) -> None:
    async def refuse_extension() -> None:
        raise NotFound("extension_missing", sentence)

    routes.add_api_route(path, refuse_extension, methods=methods, include_in_schema=False)
