"""What a real request is answered with is what the OpenAPI document says: status, content type, code, and the JSON."""

import functools
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs

from app.main import create_app
from app.settings import Settings

Json = dict[str, Any]
_ELSEWHERE = {"not_found", "method_not_allowed"}  # the address is of no operation
_SENT_ON = 307  # a slash too many
PROBLEM = "application/problem+json"


@functools.cache
def document() -> Json:
    """The service's, made once."""
    with tempfile.TemporaryDirectory() as folder:
        return dict(create_app(Settings(store_dir=Path(folder) / "store", state_dir=Path(folder))).openapi())


def resolved(part: Json) -> Json:
    """What a part of the document stands for, where it is a reference."""
    while "$ref" in part:
        found: Any = document()
        for word in part["$ref"].removeprefix("#/").split("/"):
            found = found[word]
        part = found
    return part


def validator_of(schema: Json) -> jsonschema_rs.Validator:
    """What holds values against a schema of the document."""
    return _validator(json.dumps(schema))


@functools.cache
def _validator(schema: str) -> jsonschema_rs.Validator:
    whole: Json = {"components": document()["components"], **json.loads(schema)}
    return jsonschema_rs.validator_for(whole)


def check(request: httpx.Request, answer: httpx.Response) -> None:
    """Raises AssertionError where the document does not say so. The answer has been read."""
    operation = operation_of(request.method, request.url.path)
    if operation is None or answer.status_code == _SENT_ON or _is_elsewhere(answer):
        return
    what = f"UNDECLARED by {operation['operationId']}: {request.method} {request.url.path} -> {answer.status_code}"
    declared = operation["responses"].get(str(answer.status_code))
    assert declared is not None, f"{what} {answer.text[:300]}"
    content = resolved(declared).get("content", {})
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if not content:
        assert not answer.content, what
        return
    assert kind in content, f"{what} as {kind}"
    if request.method == "HEAD" or "json" not in kind:
        return
    said = answer.json()
    if kind == PROBLEM and "examples" in content[kind]:
        assert said["code"] in content[kind]["examples"], f"{what} {said['code']}: {said['detail']}"
    wrong = next(validator_of(content[kind]["schema"]).iter_errors(said), None)
    assert wrong is None, f"{what}: {wrong}"


def operation_of(method: str, path: str) -> Json | None:
    """The operation that a request asks for, None where the document has none."""
    method = "get" if method == "HEAD" else method.lower()
    found = next((template for template, pattern in _templates() if pattern.fullmatch(path)), None)
    return document()["paths"][found].get(method) if found else None


@functools.cache
def _templates() -> list[tuple[str, re.Pattern[str]]]:
    """Paths with what they match, those with fewer unknown parts first."""
    paths = sorted(document()["paths"], key=lambda path: (path.count("{"), path))
    return [(path, re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))) for path in paths]


def _is_elsewhere(answer: httpx.Response) -> bool:
    if answer.status_code not in (404, 405) or answer.headers.get("content-type") != PROBLEM or not answer.content:
        return False
    return answer.json()["code"] in _ELSEWHERE
