"""Makes and serves the OpenAPI document: FastAPI's, and in it what any request can be told, what a key must allow,
whole examples, and which operation goes on where another ended.
"""

import functools
import threading
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.requests import Request
from starlette.responses import Response

from app.web.access.scopes import MEANINGS, OPEN, needed
from app.web.openapi import bodies, examples, links
from app.web.openapi.answers import ProblemAnswers, headers, problem_schemas, schema_of
from app.web.openapi.codes import Codes, door, kept
from app.web.openapi.names import TAGS
from app.web.openapi.raised import CODES, raises

Json = dict[str, Any]
_SCHEME = "bearer"
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "ds_<id>_<secret>",
    "description": "A key of `digitserve keys create`. A server that was never given one, and that only its own "
    "machine reaches, needs none. What keys may allow:\n\n"
    + "\n".join(f"- `{scope}`: {what}" for scope, what in MEANINGS.items()),
}
_REQUEST_ID: Json = {
    "name": "X-Request-ID",
    "in": "header",
    "required": False,
    "description": "A name of your own for the request, which its answer and the log repeat: up to 64 letters, digits, "
    "points, dashes and underscores.",
    "schema": {"type": "string", "examples": ["req_8fd2c1"]},
}
_UNSAID = "Successful Response"  # FastAPI's
_METHODS = ("get", "put", "post", "delete", "patch")


def install(app: FastAPI) -> None:
    """Adds /openapi.json, written once: FastAPI would write it for each request. Make `app` with
    `openapi_url=None`, and with `names.operation_id`."""
    plain = app.openapi
    alone = threading.Lock()

    @functools.cache
    def described() -> Json:
        with alone:
            return completed(plain())

    @functools.cache
    def written() -> bytes:
        return bytes(JSONResponse(described()).body)

    def document(_: Request) -> Response:  # in a thread: the first time takes long
        return Response(written(), media_type="application/json")

    app.openapi = described  # type: ignore[method-assign]
    app.add_route("/openapi.json", document, include_in_schema=False)


def completed(document: Json) -> Json:
    """FastAPI's document as this service gives it. FastAPI's own 422 goes, which is never sent."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas.update(problem_schemas(with_open_inference=any(path.startswith("/v2") for path in document["paths"])))
    components["securitySchemes"] = {_SCHEME: _BEARER}
    components["parameters"] = {"RequestId": _REQUEST_ID}
    document.setdefault("servers", [{"url": "/", "description": "This server"}])
    used = {tag for _, _, operation in operations(document) for tag in operation.get("tags", ())}
    document["tags"] = [tag for tag in TAGS if tag["name"] in used]
    told = {id(operation): _told(method, path, operation) for path, method, operation in operations(document)}
    answers = ProblemAnswers((told[id(operation)], schema_of(path)) for path, _, operation in operations(document))
    for path, method, operation in operations(document):
        _complete(operation, needed(method.upper(), path))
        for status, codes in sorted(told[id(operation)].items()):
            operation["responses"][str(status)] = answers.of(status, codes, schema_of(path))
        operation["responses"] = dict(sorted(operation["responses"].items()))
        operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/RequestId"})
    components.update(answers.components())
    bodies.name(document)
    examples.fill(document)
    links.add(document)
    return document


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Path, method and operation of each."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _told(method: str, path: str, operation: Json) -> dict[int, list[str]]:
    """The codes that an operation can answer with, by their statuses: its own, and those of any request like it."""
    found: dict[int, list[str]] = {}
    for status, answer in operation["responses"].items():
        if CODES in answer:
            found[int(status)] = list(answer.pop(CODES))
    for status, answer in raises(*_of_any(method, path, operation)).items():
        found.setdefault(int(status), []).extend(answer[CODES])
    return found


def _of_any(method: str, path: str, operation: Json) -> Iterator[Codes]:
    yield from (door.WIRE, door.DOOR, door.ADDRESS)
    if needed(method.upper(), path) != OPEN:
        yield from (door.KEY, door.SCOPE, kept.DATABASE)
    if operation.get("parameters"):
        yield door.VALUES


def _complete(operation: Json, scope: str) -> None:
    """What is no problem: security in words and for programs, and headers."""
    answers = operation["responses"]
    for status in [status for status in answers if status in ("422", "default") or CODES in answers[status]]:
        del answers[status]
    for status, answer in answers.items():
        if answer["description"] == _UNSAID:
            answer["description"] = operation["summary"]
        answer["headers"] = {**headers(int(status)), **answer.get("headers", {})}
    if scope == OPEN:
        operation["security"] = []
        return
    operation["security"] = [{_SCHEME: [scope]}]  # of a scheme that is no OAuth these are roles (OpenAPI 3.1)
    words = f"Needs a key that allows `{scope}`."
    operation["description"] = "\n\n".join(filter(None, (operation.get("description"), words)))
