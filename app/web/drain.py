"""Ends a process without resetting a client: while it drains it is not ready, and each answer closes its connection.
What is not done at its end is answered too.
"""

import asyncio

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.request_log import request_id
from app.web.responses import problem_response
from app.web.stand_in import ENDING


class Drain:
    """Whether this process is about to end."""

    def __init__(self) -> None:
        self.begun = False

    def begin(self) -> None:
        """From now on answers carry `Connection: close`, so that clients come back to another process."""
        self.begun = True


class Draining:
    """The middleware that tells clients."""

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answered = False

        async def send_and_close(message: Message) -> None:
            nonlocal answered
            answered = True
            if message["type"] == "http.response.start" and self._drain.begun:
                MutableHeaders(scope=message)["connection"] = "close"
            await send(message)

        try:
            await self._app(scope, receive, send_and_close)
        except asyncio.CancelledError:  # the server waits no longer
            if answered or not self._drain.begun or scope["type"] != "http":
                raise
            await problem_response(ENDING, request_id())(scope, receive, send_and_close)
