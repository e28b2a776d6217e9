"""Where every request comes in: the one layer around all routes. It names a request, has it pass the door, holds its
body to the limits, takes the direct way where there is one, has connections closed while the process ends, logs a line,
and answers where nothing else has.
"""

import asyncio
import io
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog
from fastapi import FastAPI
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import AppError, RateExceeded
from app.logs.requests import RequestLines
from app.storage.audit.acting import act_as
from app.telemetry.measures import Measures
from app.telemetry.requests import RequestCounts
from app.web import encoding, request_id
from app.web.access.door import Door, Passage
from app.web.access.headers import SAFE
from app.web.access.scopes import route_of
from app.web.access.visitor import actor_of
from app.web.budget import FREE, told
from app.web.direct import Direct, Sent
from app.web.drain import Drain
from app.web.limits import BodyLimits
from app.web.problems import INTERNAL, Problem
from app.web.responses import CODE, problem_response
from app.web.stand_in import ENDING
from models_store.errors import StoreError

if TYPE_CHECKING:
    from app.telemetry.tracing.traces import TracedRequest, Traces

_CLIENT_LEFT = 499  # nobody is there to be answered (nginx's number for it)
_QUIET = ("/healthz", "/readyz", "/metrics")  # asked every few seconds by whoever watches the service
_JSON = b"content-type", b"application/json"
_CLOSE = b"connection", b"close"  # RFC 9112, 9.6

_log = structlog.get_logger("digitserve.requests")


class Service(FastAPI):
    """FastAPI behind an entry: what goes the direct way never comes to it."""

    entry: "Entry"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.entry(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """Without Starlette's outermost layer, which would answer what broke in its own words."""
        outermost = super().build_middleware_stack()
        assert isinstance(outermost, ServerErrorMiddleware), "it stands around all others"
        return outermost.app

    async def routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The framework's way."""
        await super().__call__(scope, receive, send)


class Entry:
    """The outermost layer of the app. `direct` has the direct ways, by the addresses that take them with POST."""

    def __init__(
        self,
        app: ASGIApp,
        limits: BodyLimits,
        drain: Drain | None = None,
        direct: Mapping[str, Direct] | None = None,
        door: Door | None = None,
        measures: Measures | None = None,
    ) -> None:
        """Without a door everybody is let in."""
        self._app = app
        self._limits = limits
        self._drain = drain or Drain()
        self._direct = dict(direct or {})
        self._direct_bytes = min(FREE, limits.max_bytes)
        self._door = door
        self._lines = RequestLines()
        self._counts = RequestCounts(measures or Measures(), route_of)
        self.traces: Traces | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        headers = dict(reversed(scope["headers"]))  # of several of one name the first counts
        answering = _Outgoing(scope, send, request_id.begin(headers.get(request_id.HEADER)), self._drain)
        self._counts.now += 1
        traced = None if self.traces is None else self._traced(self.traces, scope, headers, answering.name)
        try:
            await self._answer(scope, receive, headers, answering)
        except ClientDisconnect:
            answering.status = _CLIENT_LEFT
        except asyncio.CancelledError:  # the server waits no longer
            if answering.status or not self._drain.begun:
                raise
            await answering.problem(ENDING)
        except Exception:
            _log.exception("unforeseen", request_id=answering.name, path=scope["path"])
            if answering.status:
                raise  # an answer has begun: the server must cut the connection
            await answering.problem(INTERNAL)
        finally:
            answering.passage.leave()
            self._counts.now -= 1
            seconds, method, path = time.perf_counter() - began, scope["method"], scope["path"]
            self._counts.answered(method, path, answering.status, answering.code, seconds)
            if traced is not None:
                traced.end(method, route_of(method, path), answering.status, answering.code)
            self._lines.say(answering.name, method, path, answering.status, seconds, quiet=path in _QUIET)

    async def _answer(
        self, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes], answering: "_Outgoing"
    ) -> None:
        try:
            if self._door is not None:
                await self._door.admit(scope, headers, answering.passage)
                if answering.passage.is_preflight:
                    await answering.nothing()
                    return
                receive = self._door.counted(scope, headers, receive)
            way = self._direct_way(scope, headers)
            take = way(scope["query_string"]) if way is not None else None
            if take is not None:
                body = await _whole(receive)
                answer = await take(Sent(scope, headers.get(b"content-type", b""), body))
                if answer is not None:
                    await answering.json(answer)
                    return
                receive = _again(body, receive)
            with self._limits.held(scope) as held:
                scope, receive = self._limits.received(told(scope, held), receive, held)
                act_as(actor_of(scope, answering.name))  # who it is, for the audit log
                await self._app(scope, receive, answering.send)
        except (AppError, StoreError) as refusal:
            if answering.status:
                raise
            await answering.refusal(refusal)

    def _traced(
        self, traces: "Traces", scope: Scope, headers: Mapping[bytes, bytes], name: str
    ) -> "TracedRequest | None":
        path = scope["path"]
        return None if path in _QUIET else traces.request(scope["method"], path, headers, name)

    def _direct_way(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Direct | None:
        """Of a request whose body is too short to be counted, and is no longer than it says."""
        way = self._direct.get(scope["path"]) if scope["method"] == "POST" else None
        if way is None or b"content-encoding" in headers or len(headers) < len(scope["headers"]):
            return None
        length = headers.get(b"content-length", b"")
        return way if length.isdigit() and len(length) < 6 and int(length) <= self._direct_bytes else None


class _Outgoing:
    """The answer to one request, on its way out. `status` is 0 until it has begun."""

    def __init__(self, scope: Scope, send: Send, name: str, drain: Drain) -> None:
        self.name = name
        self.status = 0
        self.code = ""  # of the problem that it is
        self.passage = Passage()
        self._scope = scope
        self._send = send
        self._drain = drain

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.code = message["status"], message.get(CODE, "")
            ours = [(request_id.HEADER, self.name.encode()), *self.passage.headers]
            if self._drain.begun:
                ours.append(_CLOSE)
            names = {name for name, _ in ours}
            theirs = [pair for pair in message.get("headers", ()) if pair[0].lower() not in names]
            said = {name.lower() for name, _ in theirs}
            safe = [pair for pair in SAFE if pair[0] not in said]
            message = {**message, "headers": theirs + safe + ours}
        await self._send(message)

    async def json(self, body: bytes) -> None:
        """200, with what is JSON already."""
        self.status = 200
        length, name = (b"content-length", b"%d" % len(body)), (request_id.HEADER, self.name.encode())
        headers = [length, _JSON, *SAFE, name, *self.passage.headers]
        if self._drain.begun:
            headers.append(_CLOSE)
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def nothing(self) -> None:
        """204."""
        await self.send({"type": "http.response.start", "status": 204, "headers": []})
        await self.send({"type": "http.response.body", "body": b""})

    async def refusal(self, error: AppError | StoreError) -> None:
        """The problem that an error of the table is."""
        problem = Problem.of(error) or INTERNAL
        headers = {}
        if problem.code == encoding.UNSUPPORTED:
            headers["accept-encoding"] = ", ".join(encoding.read_at(self._scope))
        if isinstance(error, RateExceeded):
            headers["retry-after"] = str(error.retry_seconds)
        elif problem.status == 401:
            headers["www-authenticate"] = "Bearer"  # RFC 6750, 3
        await self.problem(problem, headers)  # RFC 9110, 12.5.3

    async def problem(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        answer = problem_response(problem, self.name, self._scope["path"])
        answer.headers.update(headers or {})
        await answer(self._scope, _nothing, self.send)


async def _whole(receive: Receive) -> bytes:
    """A body, whose morsels take no more memory than another's one piece."""
    pieces = io.BytesIO()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        pieces.write(message.get("body", b""))
        if not message.get("more_body"):
            return pieces.getvalue()


def _again(body: bytes, receive: Receive) -> Receive:
    """What `receive` brings after the body, and the body once more before that."""
    left = [body]

    async def again() -> Message:
        return {"type": "http.request", "body": left.pop(), "more_body": False} if left else await receive()

    return again


async def _nothing() -> Message:
    raise AssertionError("a problem reads no body")
