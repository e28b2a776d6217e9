"""A problem as the bytes of an HTTP/1.1 answer, where no route is there to give it: after it the connection ends."""

import json
from http import HTTPStatus

from app.web.access.headers import SAFE
from app.web.problems import MEDIA_TYPE, RETRY_SECONDS, Problem


def spelled(problem: Problem, request_id: str, *, with_body: bool = True, path: str = "") -> bytes:
    """The whole answer; without its body for those who asked with HEAD."""
    body = json.dumps(problem.body(request_id, path)).encode()
    lines = [
        f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}",
        f"content-type: {MEDIA_TYPE}",
        f"content-length: {len(body)}",
        f"x-request-id: {request_id}",
        "connection: close",
        *(f"{name.decode()}: {value.decode()}" for name, value in SAFE),
    ]
    if problem.status in (429, 503):
        lines.append(f"retry-after: {RETRY_SECONDS}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body if with_body else b"")
