"""Puts the path under which a proxy shows the service before those that `Location` names: no route knows of it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.access.proxies import BARE

_NAME = b"location"
_MOVED = 308  # Permanent Redirect (RFC 9110, 15.4.9)


class Locations:
    """The middleware of a service with a root path. Links on pages are relative and hold only below it, so that without
    its slash is answered with a redirect.
    """

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app = app
        self._root_path = root_path.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def placed(message: Message) -> None:
            headers = message.get("headers", ())
            if message["type"] == "http.response.start" and any(name == _NAME for name, _ in headers):
                ours = [(name, self._placed(value) if name == _NAME else value) for name, value in headers]
                message = {**message, "headers": ours}
            await send(message)

        if BARE in scope and scope["method"] == "GET":
            there = [(_NAME, b"/"), (b"content-length", b"0")]
            await placed({"type": "http.response.start", "status": _MOVED, "headers": there})
            await placed({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, placed)

    def _placed(self, value: bytes) -> bytes:
        """A relative one holds below any path, and two slashes begin a host."""
        is_path = value.startswith(b"/") and not value.startswith(b"//")
        return self._root_path + value if is_path else value
