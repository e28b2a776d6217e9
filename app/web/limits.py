"""Caps on what one client may send: bodies are counted, and unpacked, before anything reads them."""

import io
from collections.abc import Mapping

from starlette.types import Message, Receive, Scope

from app.errors import PayloadTooLarge
from app.web import encoding
from app.web.access.visitor import client_of
from app.web.budget import FREE, SENDER, ByteBudget, Held

_PIECE = 64 * 1024  # bytes that a route gets at once, but for the last ones
_STREAMED = 12 * _PIECE  # of a body that goes to disk while it arrives: pieces on their way there


class BodyLimits:
    """Refuses a body over the cap: at the headers where they say its length, at the byte too many otherwise. So it
    does where all bodies together are over the budget.

    What comes as gzip is unpacked on its way to the route, and counted packed and unpacked.
    """

    def __init__(
        self, max_bytes: int, max_bytes_of: Mapping[str, int] | None = None, budget: ByteBudget | None = None
    ) -> None:
        """`max_bytes` for every request but those of `max_bytes_of`, whose keys are like `POST /v1/files`; their
        bodies go to disk, and of them only what is on its way counts for the `budget`.
        """
        self.max_bytes = max_bytes
        self._max_bytes_of = dict(max_bytes_of or {})
        self._budget = budget

    def held(self, scope: Scope) -> Held:
        """What a request is going to hold of the budget."""
        return Held(self._budget, client_of(scope), scope.get(SENDER) if self._streamed(scope) is None else None)

    def received(self, scope: Scope, receive: Receive, held: Held) -> tuple[Scope, Receive]:
        """The request as its route gets it. Raises PayloadTooLarge, UnsupportedMediaType, NotReady at its headers, and
        its `receive` while the body comes.
        """
        streamed = self._streamed(scope)
        cap = self.max_bytes if streamed is None else streamed
        length = _declared(scope, cap)
        coding = encoding.coding_of(scope)
        if streamed is not None:
            held.become(FREE + min(length or _STREAMED, _STREAMED))
        receive = _counted(receive, cap)
        if coding is not None:
            scope = encoding.unpacked_scope(scope)
            receive = _counted(encoding.Unpacked(receive, coding), cap)
        return scope, _Whole(receive, held if streamed is None else Held(None, ""))

    def _streamed(self, scope: Scope) -> int | None:
        return self._max_bytes_of.get(f"{scope.get('method')} {scope.get('path')}")


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


def _too_large(cap: int) -> PayloadTooLarge:
    return PayloadTooLarge("payload_too_large", f"The body is larger than {cap / 2**20:g} MiB. Send less at a time.")
