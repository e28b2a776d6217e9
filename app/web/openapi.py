"""Serves the OpenAPI document, with the shape of errors in it, and what a key must allow for each operation."""

import functools
import threading
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app.web.access.scopes import MEANINGS, OPEN, needed
from app.web.problems import EXAMPLE, MEDIA_TYPE, Problem

_SCHEME = "bearer"
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "ds_<id>_<secret>",
    "description": "A key of `digitserve keys create`. A server that was never given one, and that only its own "
    "machine reaches, needs none. What keys may allow:\n\n"
    + "\n".join(f"- `{scope}`: {what}" for scope, what in MEANINGS.items()),
}


class ProblemSchema(BaseModel):
    """The shape of every error."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    error: dict[str, str | None]


def install(app: FastAPI) -> None:
    """Adds /openapi.json, written once: FastAPI would write its 90 KB for each request. Make `app` with
    `openapi_url=None`. It has the schema `Problem` in place of FastAPI's own 422, which is never sent."""
    plain = app.openapi
    alone = threading.Lock()

    @functools.cache
    def described() -> dict[str, object]:
        with alone:
            document = plain()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            schemas["Problem"] = {**ProblemSchema.model_json_schema(), "title": "Problem", "examples": [EXAMPLE]}
            document["components"]["securitySchemes"] = {_SCHEME: _BEARER}
            for path, methods in document["paths"].items():
                for method, operation in methods.items():
                    operation["responses"].pop("422", None)
                    _say_scope(operation, needed(method.upper(), path))
            return document

    @functools.cache
    def written() -> bytes:
        return bytes(JSONResponse(described()).body)

    def document(_: Request) -> Response:  # in a thread: the first time takes long
        return Response(written(), media_type="application/json")

    app.openapi = described  # type: ignore[method-assign]
    app.add_route("/openapi.json", document, include_in_schema=False)


def _say_scope(operation: dict[str, Any], scope: str) -> None:
    """What an operation needs, for programs and in words."""
    if scope == OPEN:
        operation["security"] = []
        return
    operation["security"] = [{_SCHEME: [scope]}]  # of a scheme that is no OAuth these are roles (OpenAPI 3.1)
    words = f"Needs a key that allows `{scope}`."
    operation["description"] = "\n\n".join(filter(None, (operation.get("description"), words)))
    operation["responses"]["401"] = _answer(Problem(401, "key_missing", "This needs a key."), "No key that counts")
    lacks = f"This key does not allow `{scope}`, which this needs."
    operation["responses"]["403"] = _answer(Problem(403, "scope_missing", lacks), f"The key does not allow `{scope}`")


def _answer(problem: Problem, description: str) -> dict[str, Any]:
    example = problem.body(EXAMPLE["request_id"])
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {MEDIA_TYPE: {"example": example, "schema": schema}}}
