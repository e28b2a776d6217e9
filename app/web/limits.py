"""Caps on what one client may send: bodies are counted, and unpacked, before anything reads them."""

from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import AppError, PayloadTooLarge, UnsupportedMediaType
from app.web import encoding
from app.web.problems import Problem
from app.web.request_log import request_id
from app.web.responses import problem_response


class BodyLimit:
    """Refuses a body over the cap: at the headers where they say its length, at the byte too many otherwise.

    What comes as gzip is unpacked on its way to the route, and counted packed and unpacked.
    """

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
        try:
            _check_declared(scope, cap)
            is_packed = encoding.is_packed(scope)
        except AppError as refusal:
            await _refused(refusal)(scope, receive, send)
            return
        receive = _counted(receive, cap)
        if is_packed:
            scope = encoding.unpacked_scope(scope)
            receive = _counted(encoding.Unpacked(receive), cap)
        await self._app(scope, receive, send)


def _check_declared(scope: Scope, cap: int) -> None:
    declared = next((value for key, value in scope["headers"] if key == b"content-length"), b"0")
    if not declared.isdigit() or len(declared) > 19 or int(declared) > cap:
        raise _too_large(cap)


def _counted(receive: Receive, cap: int) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > cap:
            raise _too_large(cap)
        return message

    return counted


def _refused(refusal: AppError) -> Response:
    problem = Problem.of(refusal)
    assert problem is not None, "it is in the table"
    answer = problem_response(problem, request_id())
    if isinstance(refusal, UnsupportedMediaType):
        answer.headers["accept-encoding"] = encoding.ACCEPTED  # RFC 9110, 12.5.3
    return answer


def _too_large(cap: int) -> PayloadTooLarge:
    return PayloadTooLarge("payload_too_large", f"The body is larger than {cap / 2**20:g} MiB. Send less at a time.")
