"""Structured logs, one object a line on standard output, tied together by a request id. It knows no route."""

import logging
import re
import secrets
import sys
import time
from contextvars import ContextVar
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import INTERNAL

_HEADER = "x-request-id"
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_current: ContextVar[str] = ContextVar("request_id", default="")
_QUIET = ("/healthz", "/readyz")  # asked every few seconds by whoever watches the service


def _text_renderer() -> structlog.dev.ConsoleRenderer:
    plain = structlog.dev.plain_traceback  # the default prints every local, people's pictures too
    return structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)


def request_id() -> str:
    """The id of the request being answered, empty outside one."""
    return _current.get()


def configure(log_format: str, level: str) -> None:
    """Sends our log and every library's through one renderer."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    as_json = log_format == "json"
    renderer = structlog.processors.JSONRenderer() if as_json else _text_renderer()
    ending: list[structlog.typing.Processor] = [structlog.processors.format_exc_info] if as_json else []
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending, renderer],
    )
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # names each of its parts when it loads them
    logging.captureWarnings(True)


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
            await INTERNAL.response(name)(scope, receive, send_with_id)
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
