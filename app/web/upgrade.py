"""HTTP/1.1 as uvicorn speaks it, to clients that offer another protocol too: the offer is passed over, the body read.

Java's HttpClient and Spring send `Upgrade: h2c` with their requests. A server may ignore that (RFC 9110, 7.8), but
llhttp takes what follows such a head for the other protocol, and uvicorn would lose the body.
"""

import asyncio
from array import array
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState


class HttpProtocol(HttpToolsProtocol):
    """Reads a head with an offer once more without it, and then the body. For uvicorn's option `http`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.parser: _Parser = _Parser(self)
        self._head = b""  # of a request with an offer, without it

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        while self._head:  # a client may send several requests before it has an answer
            head, self._head = self._head, b""
            data = head + data[self.parser.end_of_head :]
            self.parser = _Parser(self)
            super().data_received(data)

    def on_headers_complete(self) -> None:
        method = self.parser.get_method()
        if method == b"CONNECT":
            raise ValueError("this server is no proxy")  # uvicorn answers 400 and closes the connection
        if self.parser.should_upgrade():
            version = self.parser.get_http_version().encode()
            kept = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
            self._head = b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, b"".join(kept))
        else:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self._head:
            super().on_message_complete()


class _Parser(httptools.HttpRequestParser):
    """llhttp, which notes where the head with an offer ends, in the piece that it was given last."""

    end_of_head = 0

    def __init__(self, protocol: HttpProtocol) -> None:
        super().__init__(protocol)
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own parser

    def feed_data(self, data: "bytes | bytearray | memoryview[int] | array[int]") -> None:
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self.end_of_head = offer.args[0]
