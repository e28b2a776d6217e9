"""One request and its answer, as uvicorn has them, with an end for bodies that are refused or that nobody reads."""

import asyncio
from typing import TYPE_CHECKING

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.errors import AppError

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent

_LITTLE = 64 * 1024  # bytes of a body that nobody wanted, and that is still passed over to keep the connection


class Flow(FlowControl):
    """uvicorn's, which reads nothing while it holds what came too early, and sees whether the client reads."""

    def __init__(self, transport: asyncio.Transport, now: float) -> None:
        super().__init__(transport)
        self._holds = self._has_drained = False
        self._unsent, self._read_at = 0, now

    def hold(self) -> None:
        """Nothing more is read until `release`, whoever wants to."""
        self._holds = True
        self.pause_reading()

    def release(self) -> None:
        """Reads again."""
        self._holds = False
        self.resume_reading()

    def resume_reading(self) -> None:
        if not self._holds:
            super().resume_reading()

    def resume_writing(self) -> None:
        self._has_drained = True
        super().resume_writing()

    def unread_seconds(self, now: float) -> float:
        """How long the client has read nothing of what waits for it, as far as the looks before this one tell."""
        unsent = self._transport.get_write_buffer_size()
        if unsent == 0 or unsent < self._unsent or self._has_drained:
            self._read_at = now
        self._unsent, self._has_drained = unsent, False
        return now - self._read_at


class Together:
    """A transport that sends what it was told to hold together with what comes next: one call of the system less."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._holds = False
        self._held = b""
        self.is_closing = transport.is_closing

    def hold(self) -> None:
        """What is written next waits for what is written after it."""
        self._holds = True

    def write(self, data: bytes) -> None:
        if self._holds:
            self._holds, self._held = False, data
        elif self._held:
            held, self._held = self._held, b""
            if len(data) > _LITTLE:
                self._transport.writelines((held, data))
            else:
                self._transport.write(held + data)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """What is held goes out before: the head of an answer that broke."""
        if self._held:
            self.write(b"")
        self._transport.close()


class Exchange(RequestResponseCycle):
    """`failure` is what a route's reading of the body raises; `left` the bytes that the body has still to bring, None
    where nobody knows; `ends` whether the connection ends with the answer.
    """

    together: Together
    failure: AppError | None = None
    left: int | None = 0
    ends = False

    def fail(self, failure: AppError) -> None:
        """The body will never be whole. Whoever reads it is told so."""
        self.failure = failure
        self.keep_alive = False
        self.message_event.set()

    async def receive(self) -> "ASGIReceiveEvent":
        """uvicorn's. Raises the failure."""
        message = await super().receive()
        if self.failure is not None and message["type"] == "http.request":
            raise self.failure
        return message

    async def send(self, message: "ASGISendEvent") -> None:
        """uvicorn's, but the end of the connection is left to the protocol: a body may still be on its way. The head of
        an answer of known length goes out with the answer.
        """
        if message["type"] == "http.response.start":
            if self.more_body and (self.left is None or self.left > _LITTLE):
                self.keep_alive = False
            if self.scope["method"] != "HEAD" and b"content-length" in dict(message.get("headers", ())):
                self.together.hold()
        is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if is_last and not self.keep_alive and self.response_started:
            self.ends, self.keep_alive = True, True
        await super().send(message)
