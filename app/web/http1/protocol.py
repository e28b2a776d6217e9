"""HTTP/1.1 as uvicorn speaks it, within limits: heads have an end, bodies a pace, answers a reader, and connections
one request at a time.
"""

import asyncio
import re
from collections.abc import Callable
from functools import partial
from typing import Any, cast
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from app.errors import AppError
from app.telemetry.measures import Measures
from app.web.budget import SENDER
from app.web.connection import CONNECTION
from app.web.http1 import refusals
from app.web.http1.connections import Connections
from app.web.http1.counts import ChunkCount, HeadCount
from app.web.http1.exchange import Exchange
from app.web.http1.lifetime import BODY, HEAD, TURNED_AWAY, Lifetime
from app.web.http1.limits import HttpLimits
from app.web.http1.pace import Pace
from app.web.http1.parser import Parser, without_offer


def http_protocol(limits: HttpLimits, measures: Measures | None = None) -> Callable[..., "HttpProtocol"]:
    """For uvicorn's option `http`: what makes the protocol of each connection of one process."""
    return partial(HttpProtocol, connections=Connections(limits, measures or Measures()))


def connections_of(protocol: object) -> Connections:
    """All connections that a protocol of `http_protocol` has made."""
    assert isinstance(protocol, partial)
    connections: Connections = protocol.keywords["connections"]
    return connections


class HttpProtocol(Lifetime):
    """One connection, and what comes on it."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.parser: Parser = Parser(self)
        self._held = b""  # came while the request before it was not answered
        self._offered = b""  # the head of a request with an offer, without it
        self._length: int | None = 0  # of the body; None: in chunks
        self._chunks: ChunkCount | None = None

    def data_received(self, data: bytes) -> None:
        if self._at is TURNED_AWAY:
            self._refuse(refusals.too_many_connections())
        elif self._held:
            self._held += data
            self.flow.hold()
        else:
            self._read(data)

    def _wait(self) -> None:
        super()._wait()
        if self._held:
            self.flow.hold()
            self._connections.in_turn(self._go_on)

    def _go_on(self) -> None:
        held, self._held = self._held, b""
        if not self.transport.is_closing():
            self.flow.release()
            self._read(held)

    def _read(self, data: bytes) -> None:
        at = 0
        try:
            while at < len(data) and (self._at is HEAD or self._at is BODY):
                if self._at is HEAD and self._is_answering():
                    self._held = data[at:]
                    self.flow.hold()
                    return
                end = self._end_of_piece(data, at)
                self.parser.feed_data(data if end - at == len(data) else memoryview(data)[at:end])
                if self._offered:
                    head, self._offered = self._offered, b""
                    self.parser = Parser(self)
                    self.parser.feed_data(head)
                at = end
            self._look_at_the_rest(len(data))
        except AppError as refusal:
            self._fail(refusal)
        except httptools.HttpParserError as error:
            ours = error.__context__  # what one of the methods below raised
            self._fail(ours if isinstance(ours, AppError) else refusals.malformed())

    def _end_of_piece(self, data: bytes, at: int) -> int:
        """One head at a time, and no body together with the next head. Raises AppError where a head is too long."""
        if self._at is HEAD:
            return self._head.end_of_piece(data, at)
        if self._chunks is not None:
            return self._chunks.end_of_piece(data, at)
        return min(len(data), at + (self.cycle.left or len(data)))

    def _look_at_the_rest(self, count: int) -> None:
        """What the data has left unfinished. Raises AppError where it has become too much."""
        if self._at is BODY:
            now = self.loop.time()
            self._pace = self._pace or Pace(self._limits, now)
            self._pace.came(count, now)
            if self._chunks is not None:
                self._chunks.check()
        elif self._at is HEAD:
            if self._head.bytes and not self._head.since:
                self._head.since = self.loop.time()
        else:
            self._since = self.loop.time()

    # What the parser finds in it

    def on_message_begin(self) -> None:
        if self._is_answering():  # it was fed with two requests at once
            raise refusals.malformed()
        super().on_message_begin()
        self._length = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._chunks is not None:  # nobody asks for trailers
            self._chunks.trailer()
            return
        name = name.lower()
        if name == b"content-length":
            self._length = int(value)
        elif name == b"transfer-encoding":
            self._length = None
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))
        if len(self.headers) > self._limits.head_lines:
            raise refusals.headers_too_large(self._limits)

    def on_headers_complete(self) -> None:
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if method == b"CONNECT":
            raise refusals.no_proxy()
        if self.parser.should_upgrade():
            self._offered = without_offer(method, self.url, version, self.headers)
            return
        target = httptools.parse_url(self.url)
        if target.host is not None:
            self._is_asked_as(self.url)
        path = target.path.decode("ascii")
        self.scope["method"] = method.decode("ascii")
        self.scope["http_version"] = version
        self.scope["path"] = self.root_path + (unquote(path) if "%" in path else path)
        self.scope["raw_path"] = self.root_path.encode("ascii") + target.path
        self.scope["query_string"] = target.query or b""
        self.scope[SENDER] = self.scope[CONNECTION] = self  # type: ignore[literal-required]
        self.cycle = Exchange(
            scope=self.scope,
            transport=cast(asyncio.Transport, self._together),
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        self.cycle.together = self._together
        self.cycle.left = self._length
        self._chunks = ChunkCount(self._limits) if self._length is None else None
        self._at = BODY
        self._connections.work(self)
        self._start_asgi_task(self.cycle, self.app)

    def _is_asked_as(self, url: bytes) -> None:
        """The host of a target that is a whole URL counts (RFC 9112, 3.2.2). Where the Host header says another, the
        request has two.
        """
        host = re.split(rb"[/?#]", url.partition(b"://")[2], maxsplit=1)[0]
        if (b"host", host) not in self.headers:
            self.headers.append((b"host", host))

    def on_chunk_header(self) -> None:
        if self._chunks is not None:
            self._chunks.chunk()

    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        if self._chunks is not None:
            self._chunks.body(len(body))
        elif cycle.left is not None:
            cycle.left -= len(body)
        if cycle.response_complete:
            return
        if not cycle.body:
            cycle.body = body  # type: ignore[assignment]  # a copy less: most bodies come in one piece
        else:
            cycle.body = cycle.body if isinstance(cycle.body, bytearray) else bytearray(cycle.body)
            cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self._offered:
            return
        if self._chunks is not None:
            self._chunks.check()
        self._at = HEAD
        self._pace = self._chunks = None
        self._head = HeadCount(self._limits)
        if self.cycle.response_complete:
            self._wait()
        else:
            self.cycle.more_body = False
            self.cycle.message_event.set()
