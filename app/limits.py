"""Caps on what one client may send. It knows no route: bodies are counted before anything reads them."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import PayloadTooLarge, Problem
from app.logs import request_id


class BodyLimit:
    """Refuses a body over `max_bytes`: at the headers where they say its length, at the byte too many otherwise."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = next((value for key, value in scope["headers"] if key == b"content-length"), b"0")
        if not declared.isdigit() or len(declared) > 19 or int(declared) > self._max_bytes:
            problem = Problem.of(self._refusal())
            assert problem is not None
            await problem.response(request_id())(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_bytes:
                raise self._refusal()
            return message

        await self._app(scope, counted, send)

    def _refusal(self) -> PayloadTooLarge:
        size = f"{self._max_bytes / 2**20:g} MiB"
        return PayloadTooLarge("payload_too_large", f"The body is larger than {size}. Send less at a time.")
