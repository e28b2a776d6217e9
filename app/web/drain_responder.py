"""Answers 503 to whoever comes while the last processes of a server end: otherwise their connections would be reset."""

import asyncio
import contextlib
import json
import secrets
import socket
from collections.abc import AsyncIterator

from app.web.problems import MEDIA_TYPE, RETRY_SECONDS, Problem

_PATIENCE_SECONDS = 2.0  # for a client to send its request and to read the answer
_ENDING = Problem(503, "draining", "This server is about to end. Repeat the request in a few seconds.")


@contextlib.asynccontextmanager
async def declining(listener: socket.socket) -> AsyncIterator[None]:
    """Answers 503 to every connection on `listener` until the end of the block, then closes it."""
    listener.setblocking(False)
    talks: set[asyncio.Task[None]] = set()
    accepting = asyncio.create_task(_accept(listener, talks))
    try:
        yield
    finally:
        accepting.cancel()
        with contextlib.suppress(OSError):  # nobody is left, or no file descriptor to be had
            while True:  # whom the kernel has let in already; between the last of them and `close` lie microseconds
                _talk(listener.accept()[0], talks)
        listener.close()
        if talks:
            await asyncio.wait(talks, timeout=_PATIENCE_SECONDS)


async def _accept(listener: socket.socket, talks: set[asyncio.Task[None]]) -> None:
    while True:
        try:
            _talk((await asyncio.get_running_loop().sock_accept(listener))[0], talks)
        except OSError:  # a client that left at once, or no file descriptor to be had
            await asyncio.sleep(0.01)


def _talk(connection: socket.socket, talks: set[asyncio.Task[None]]) -> None:
    connection.setblocking(False)
    task = asyncio.create_task(_decline(connection))
    talks.add(task)
    task.add_done_callback(talks.discard)


async def _decline(connection: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=connection)
    with contextlib.suppress(OSError, TimeoutError, asyncio.LimitOverrunError, asyncio.IncompleteReadError):
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_answer())
            writer.write_eof()
            while await reader.read(65_536):  # unread bytes would turn our closing into a reset
                pass
    writer.close()


def _answer() -> bytes:
    name = f"req_{secrets.token_hex(8)}"
    body = json.dumps(_ENDING.body(name)).encode()
    lines = (
        "HTTP/1.1 503 Service Unavailable",
        f"content-type: {MEDIA_TYPE}",
        f"content-length: {len(body)}",
        f"retry-after: {RETRY_SECONDS}",
        f"x-request-id: {name}",
        "connection: close",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
