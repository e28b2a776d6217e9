"""Serves the OpenAPI document, with the shape of errors in it."""

import functools
import threading

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app.web.problems import EXAMPLE


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
            for path in document["paths"].values():
                for operation in path.values():
                    operation["responses"].pop("422", None)
            return document

    @functools.cache
    def written() -> bytes:
        return bytes(JSONResponse(described()).body)

    def document(_: Request) -> Response:  # in a thread: the first time takes long
        return Response(written(), media_type="application/json")

    app.openapi = described  # type: ignore[method-assign]
    app.add_route("/openapi.json", document, include_in_schema=False)
