"""How a connection begins, waits and ends, whatever it brings."""

import asyncio
import contextlib
import math
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from app.errors import AppError
from app.web.http1 import refusals
from app.web.http1.answer import spelled
from app.web.http1.connections import Connections
from app.web.http1.counts import HeadCount
from app.web.http1.exchange import Exchange, Flow, Together
from app.web.http1.pace import Pace
from app.web.problems import Problem
from app.web.request_id import new_request_id

_HALF_CLOSED_SECONDS = 1.0
_LONGEST_LINGER = 6  # times `linger_seconds`, however much still comes

_log = structlog.get_logger("digitserve.requests")


class At(Enum):
    """What a connection is at."""

    HEAD = auto()  # or it waits for one, or for the answer to its last request
    BODY = auto()
    DEAF = auto()  # its body has failed, which is about to be answered
    LINGERING = auto()  # it has had its last answer
    TURNED_AWAY = auto()  # there was no place for it


HEAD, BODY, DEAF, LINGERING, TURNED_AWAY = At  # a look-up less, a dozen times a request


class Lifetime(HttpToolsProtocol):
    """uvicorn's protocol, with an end for each wait. Below it stands what reads requests."""

    cycle: Exchange
    flow: Flow
    _together: Together

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        connections: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._connections = connections
        self._limits = connections.limits
        self._at: At = HEAD
        self._since = 0.0  # when it began to wait, or was last heard of where nothing counts any more
        self._lingers_since = 0.0
        self._head = HeadCount(self._limits)
        self._pace: Pace | None = None  # of a body that did not come at once
        self._leave: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since = self.loop.time()
        self.flow = Flow(transport, self._since)
        self._together = Together(transport)
        admitted = self._connections.admit(self)
        if admitted is None:
            transport.abort()
        elif not admitted:
            self._at = TURNED_AWAY

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.leave(self)
        super().connection_lost(exc)
        self.when_gone(self._leave)

    def when_gone(self, leave: Callable[[], None] | None) -> None:
        self._leave = leave
        if leave is not None and self.cycle.disconnected:
            leave()
        elif leave is not None:
            self.flow.resume_reading()  # a long body has paused it, and who doesn't read hears of no end

    def eof_received(self) -> bool:  # type: ignore[override]
        """Some clients say at once that nothing more comes, and wait for their answer (RFC 9112, 9.6). Others have
        gone, which looks alike: an answer that has not begun in a while is for nobody.
        """
        if self._at is not HEAD or not self._is_answering():
            return False
        self.cycle.keep_alive = False
        self.loop.call_later(_HALF_CLOSED_SECONDS, self._give_up, self.cycle)
        return True

    def _give_up(self, cycle: Exchange) -> None:
        if not cycle.response_started:
            self.transport.close()

    def shutdown(self) -> None:
        if self._at in (LINGERING, TURNED_AWAY):
            self.transport.close()
        else:
            super().shutdown()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if not self.cycle.ends:
            self._wait()
        elif self._at is HEAD and not self.flow.read_paused:
            self.transport.close()
        else:  # more has come than was asked for
            self._linger()

    def give_way(self) -> None:
        if self._at is HEAD and not self._head.bytes:
            self.transport.close()
        else:
            self.transport.abort()

    def rate(self) -> float:
        is_read = self._at is BODY and not self.flow.read_paused
        return self._pace.rate(self.loop.time()) if self._pace is not None and is_read else math.inf

    def end_body(self, refusal: AppError) -> None:
        self._fail(refusal)

    def check(self, now: float, seconds: float) -> None:
        quiet = now - self._since
        if self.flow.unread_seconds(now) > self._limits.write_seconds:
            self.transport.abort()
        elif self._at is LINGERING:
            longest = _LONGEST_LINGER * self._limits.linger_seconds
            if quiet > self._limits.linger_seconds or now - self._lingers_since > longest:
                self.transport.abort()
        elif self._at is TURNED_AWAY:
            if quiet > self._limits.linger_seconds:
                self.transport.abort()
        elif self._at is BODY:
            self._check_body(now, seconds)
        elif self._at is HEAD and not self._is_answering():
            if self._head.since and now - self._head.since > self._limits.head_seconds:
                self._refuse(refusals.request_timeout())
            elif not self._head.since and quiet > self._limits.keep_alive_seconds:
                self.transport.close()

    def _check_body(self, now: float, seconds: float) -> None:
        if not self._is_answering():  # it was answered already, and is passed over
            if now - self._since > self._limits.head_seconds:
                self.transport.abort()
        elif self._pace is not None and self.flow.read_paused:
            self._pace.rest(now, seconds)
        elif self._pace is not None and self._pace.is_over(now):
            self._fail(refusals.request_timeout())

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        """The last request is answered; the next one may come."""
        self._since = self.loop.time()
        self.flow.release()
        if self._at is HEAD:
            self._connections.wait(self)

    def _fail(self, refusal: AppError) -> None:
        """A body that fails is its route's to answer; a head that does has no route yet."""
        if self._at is HEAD:
            self._refuse(refusal)
        elif self._is_answering():
            self._at = DEAF
            self.flow.release()
            self.cycle.fail(refusal)
        else:
            self.transport.abort()

    def _refuse(self, refusal: AppError) -> None:
        problem = Problem.of(refusal)
        assert problem is not None, "it is in the table"
        if self._is_answering():  # a second answer would go before the first one
            self.transport.abort()
            return
        name = new_request_id()
        facts = {"method": "-", "path": "-", "status": problem.status, "code": problem.code, "ms": 0.0}
        _log.info("request", request_id=name, **facts)
        self._connections.measures.refused_unread(problem.status, problem.code)
        self.transport.write(spelled(problem, name, with_body=not self._head.is_for_head))
        self._linger()

    def _linger(self) -> None:
        """What still comes is passed over for a while: closing at once would reset the connection, answer and all."""
        self._at = LINGERING
        self._since = self._lingers_since = self.loop.time()
        self._connections.linger(self)
        self.flow.release()
        if not self.transport.is_closing():
            with contextlib.suppress(OSError):  # the client is gone: we hear of that in a moment
                self.transport.write_eof()
