"""Caps on what one client may send: bodies are counted, and unpacked, before anything reads them."""

import io
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import AppError, PayloadTooLarge, UnsupportedMediaType
from app.web import encoding
from app.web.budget import FREE, SENDER, ByteBudget, Held, told
from app.web.client import client_of
from app.web.problems import Problem
from app.web.request_log import request_id
from app.web.responses import problem_response

_PIECE = 64 * 1024  # bytes that a route gets at once, but for the last ones
_STREAMED = 12 * _PIECE  # of a body that goes to disk while it arrives: pieces on their way there


class BodyLimit:
    """Refuses a body over the cap: at the headers where they say its length, at the byte too many otherwise. So it
    does where all bodies together are over the budget.

    What comes as gzip is unpacked on its way to the route, and counted packed and unpacked.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int,
        max_bytes_of: Mapping[str, int] | None = None,
        budget: ByteBudget | None = None,
    ) -> None:
        """`max_bytes` for every request but those of `max_bytes_of`, whose keys are like `POST /v1/files`; their
        bodies go to disk, and of them only what is on its way counts for the `budget`.
        """
        self._app = app
        self._max_bytes = max_bytes
        self._max_bytes_of = dict(max_bytes_of or {})
        self._budget = budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        streamed = self._max_bytes_of.get(f"{scope.get('method')} {scope.get('path')}")
        cap = self._max_bytes if streamed is None else streamed
        sender = scope.get(SENDER) if streamed is None else None
        with Held(self._budget, client_of(scope), sender) as held:
            try:
                length = _declared(scope, cap)
                is_packed = encoding.is_packed(scope)
                if streamed is not None:
                    held.become(FREE + min(length or _STREAMED, _STREAMED))
            except AppError as refusal:
                await _refused(refusal)(scope, receive, send)
                return
            receive = _counted(receive, cap)
            if is_packed:
                scope = encoding.unpacked_scope(scope)
                receive = _counted(encoding.Unpacked(receive), cap)
            whole = _Whole(receive, held if streamed is None else Held(None, ""))
            await self._app(told(scope, held), whole, send)


class _Whole:
    """What `receive` brings, in pieces of some size: a body that came in morsels takes no more memory than another."""

    def __init__(self, receive: Receive, held: Held) -> None:
        self._receive = receive
        self._held = held

    async def __call__(self) -> Message:
        """The next piece. Raises NotReady where the budget is used up."""
        message = await self._next()
        if not message.get("more_body") or len(message.get("body", b"")) >= _PIECE:
            return message
        pieces = io.BytesIO()
        while message["type"] == "http.request":
            pieces.write(message.get("body", b""))
            more = message.get("more_body", False)
            if not more or pieces.tell() >= _PIECE:
                return {"type": "http.request", "body": pieces.getvalue(), "more_body": more}
            message = await self._next()
        return message

    async def _next(self) -> Message:
        message = await self._receive()
        self._held.add(len(message.get("body", b"")))
        return message


def _declared(scope: Scope, cap: int) -> int:
    declared = next((value for key, value in scope["headers"] if key == b"content-length"), b"0")
    if not declared.isdigit() or len(declared) > 19 or int(declared) > cap:
        raise _too_large(cap)
    return int(declared)


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
