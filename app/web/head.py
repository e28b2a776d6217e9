"""HEAD on every address that takes GET: the same status and headers, without the body (RFC 9110, 9.3.2)."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """The middleware that asks the routes with GET. An answer without end, such as a stream, ends at its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        answered = asyncio.Event()
        messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def nothing_but_the_end() -> Message:
            for message in messages:
                return message
            await answered.wait()
            return {"type": "http.disconnect"}  # whoever sends a body stops

        async def only_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                answered.set()

        await self._app({**scope, "method": "GET"}, nothing_but_the_end, only_headers)
