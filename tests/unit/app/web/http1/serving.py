"""A real uvicorn with our protocol on a real socket, and what a client says to it byte by byte."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, cast

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from app.web import error_handlers
from app.web.budget import ByteBudget
from app.web.entry import Entry
from app.web.http1.connections import Connections
from app.web.http1.limits import HttpLimits
from app.web.http1.protocol import HttpProtocol, connections_of, http_protocol
from app.web.limits import BodyLimits
from tests.support.patience import until

GET = b"GET /here HTTP/1.1\r\nHost: x\r\n\r\n"
MIB = 2**20


@dataclass
class Served:
    """Where it listens, and what it is at."""

    port: int
    connections: Connections
    server: uvicorn.Server
    budget: ByteBudget

    @property
    def open(self) -> int:
        return len(self.server.server_state.connections)


def service(budget: ByteBudget) -> FastAPI:
    """Routes that answer at once, that read a body, that never end."""
    app = FastAPI()

    @app.get("/here")
    async def here() -> str:
        return "here"

    @app.get("/long")
    async def long() -> str:
        return "x" * (32 * MIB)

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def lines() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 1000 + b"\n"
                await asyncio.sleep(0)

        return StreamingResponse(lines())

    @app.post("/body")
    async def body(request: Request) -> int:
        return len(await request.body())

    @app.post("/unread")
    async def unread() -> str:
        return "not read"

    error_handlers.install(app)
    app.add_middleware(Entry, limits=BodyLimits(10 * MIB, budget=budget))
    return app


@contextlib.asynccontextmanager
async def serving(
    limits: HttpLimits | None = None, budget: int = 256 * MIB, app: object = None
) -> AsyncIterator[Served]:
    """The service within these limits, until the end of the block."""
    counted = ByteBudget(budget)
    protocol = http_protocol(limits or HttpLimits())
    config = uvicorn.Config(
        cast(Any, app or service(counted)), http=cast("type[asyncio.Protocol]", protocol), ws="none", lifespan="off",
        log_config=None, access_log=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    connections = connections_of(protocol)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started)
        yield Served(listener.getsockname()[1], connections, server, counted)
        server.should_exit = True
        for one in list(server.server_state.connections):
            cast(HttpProtocol, one).transport.abort()
        await task


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, *pieces: bytes) -> None:
        """Each piece as a segment of its own. What the server no longer takes is dropped."""
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                self._writer.write(piece)
                await self._writer.drain()
                await asyncio.sleep(0)

    def end(self) -> None:
        """Nothing more comes, and an answer is waited for."""
        self._writer.write_eof()

    def abort(self) -> None:
        """Gone, without a word."""
        self._writer.transport.abort()

    async def head(self) -> bytes:
        """All up to the next empty line."""
        return await self._reader.readuntil(b"\r\n\r\n")

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next answer."""
        head = (await self.head()).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        return int(head[0].split(" ")[1]), headers, body

    async def problem(self) -> tuple[int, str]:
        """Status and code of the next answer, which must have the shape of every error and be the last one."""
        status, headers, body = await self.answer()
        told = json.loads(body)
        assert headers["content-type"] == "application/problem+json", headers
        assert told["status"] == status and told["request_id"] == headers["x-request-id"]
        assert headers["connection"] == "close"
        return status, told["code"]

    async def rest(self) -> bytes:
        """All that still comes until the connection ends, a reset or not."""
        said = bytearray()
        with contextlib.suppress(ConnectionError):
            while piece := await self._reader.read(65_536):
                said += piece
        return bytes(said)


@contextlib.asynccontextmanager
async def client(port: int) -> AsyncIterator[Client]:
    """A connection that nothing holds back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=MIB)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    one = Client(reader, writer)
    try:
        yield one
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def ask(port: int, *pieces: bytes) -> tuple[int, bytes]:
    """The answer to one request on a connection of its own."""
    async with client(port) as one:
        await one.send(*(pieces or (GET,)))
        status, _, body = await one.answer()
        return status, body


def post(path: str, body: bytes = b"", *lines: bytes, declared: int | None = None) -> bytes:
    """A request with a length."""
    head = [b"POST %b HTTP/1.1" % path.encode(), b"Host: x", *lines]
    head.append(b"Content-Length: %d" % (len(body) if declared is None else declared))
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def chunked(chunks: Iterable[bytes], *, trailers: bytes = b"", extension: bytes = b"") -> bytes:
    """A request in chunks."""
    head = b"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    said = b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    return head + said + b"0\r\n" + trailers + b"\r\n"
