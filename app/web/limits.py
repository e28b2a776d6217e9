"""Caps on what one client may send: bodies are counted before anything reads them."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import PayloadTooLarge
from app.web.problems import Problem
from app.web.request_log import request_id
from app.web.responses import problem_response


class BodyLimit:
    """Refuses a body over the cap: at the headers where they say its length, at the byte too many otherwise."""

    def __init__(self, app: ASGIApp, max_bytes: int, max_bytes_of: Mapping[str, int] | None = None) -> None:
        """`max_bytes` for every request but those of `max_bytes_of`, whose keys are like `POST /v1/files`."""
        self._app = app
        self._max_bytes = max_bytes
        self._max_bytes_of = dict(max_bytes_of or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        cap = self._max_bytes_of.get(f"{scope.get('method')} {scope.get('path')}", self._max_bytes)
        declared = next((value for key, value in scope["headers"] if key == b"content-length"), b"0")
        if not declared.isdigit() or len(declared) > 19 or int(declared) > cap:
            problem = Problem.of(_refusal(cap))
            assert problem is not None
            await problem_response(problem, request_id())(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > cap:
                raise _refusal(cap)
            return message

        await self._app(scope, counted, send)


def _refusal(cap: int) -> PayloadTooLarge:
    return PayloadTooLarge("payload_too_large", f"The body is larger than {cap / 2**20:g} MiB. Send less at a time.")
