"""The outermost layer of every request: its id, one line in the log, and 500 where nothing else answered."""

import re
import secrets
import time
from contextvars import ContextVar
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.problems import INTERNAL
from app.web.responses import problem_response

_HEADER = "x-request-id"
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_current: ContextVar[str] = ContextVar("request_id", default="")
_QUIET = ("/healthz", "/readyz")  # asked every few seconds by whoever watches the service


def request_id() -> str:
    """The id of the request being answered, empty outside one."""
    return _current.get()


class RequestLog:
    """The outermost layer: gives each request its id, logs it once, and answers 500 where nothing else answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = structlog.get_logger("digitserve.requests")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = _given_id(scope) or f"req_{secrets.token_hex(8)}"
        _current.set(name)
        began, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[_HEADER] = name
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            status = 499  # nobody is there to be answered (nginx's number for it)
        except Exception:
            self._log.exception("unforeseen", request_id=name, path=scope["path"])
            if status:
                raise  # an answer has begun: the server must cut the connection
            await problem_response(INTERNAL, name)(scope, receive, send_with_id)
        finally:
            self._say(scope, name, status, time.perf_counter() - began)

    def _say(self, scope: Scope, name: str, status: int, seconds: float) -> None:
        facts: dict[str, Any] = {"method": scope["method"], "path": scope["path"], "status": status}
        say = self._log.debug if scope["path"] in _QUIET else self._log.info
        say("request", request_id=name, **facts, ms=round(1000 * seconds, 1))


def _given_id(scope: Scope) -> str | None:
    for key, value in scope["headers"]:
        if key == _HEADER.encode():
            text = value.decode("latin-1")
            return text if _ID.fullmatch(text) else None
    return None
