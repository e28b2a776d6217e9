"""One API process on a real socket: how long an idle connection stays, and that none holds up the end."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.process import Server, configured
from app.settings import Settings
from app.web.drain import Drain
from tests.support.patience import until

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@asynccontextmanager
async def serving(
    settings: Settings, app: ASGIApp | None = None
) -> AsyncIterator[tuple[Server, asyncio.Task[None], int]]:
    """The server, its end, and its port."""
    config = configured(app or PlainTextResponse("here"), settings)
    config.lifespan = "off"
    server = Server(config, Drain(), None)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started)
        yield server, task, listener.getsockname()[1]
        server.handle_exit(signal.SIGTERM, None)
        await task


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that has had an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    assert (await reader.readuntil(b"here")).startswith(b"HTTP/1.1 200 OK")
    return reader, writer


async def test_an_idle_connection_stays_as_long_as_the_setting_says() -> None:
    async with serving(Settings(keep_alive_seconds=1)) as (_, _, short), serving(Settings()) as (_, _, usual):
        stays, speaks = await connected(usual)
        goes, gone = await connected(short)
        assert await goes.read() == b""  # the server has closed it
        gone.close()
        assert not stays.at_eof()
        speaks.write(REQUEST)
        assert (await stays.readuntil(b"here")).startswith(b"HTTP/1.1 200 OK")
        speaks.close()


def test_it_is_longer_than_that_of_usual_proxies() -> None:
    assert configured(PlainTextResponse("here"), Settings()).timeout_keep_alive == 75  # nginx, AWS: 60 s


async def test_nobody_is_believed_whom_he_speaks_for() -> None:
    """uvicorn's own middleware would believe this machine; app.web.access.proxies does what the settings say."""

    async def who(scope: Scope, _: Receive, send: Send) -> None:
        await PlainTextResponse(f"{scope['client'][0]} {scope['scheme']} here")(scope, _, send)

    said = b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n"
    async with serving(Settings(), who) as (_, _, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST.replace(b"\r\n\r\n", b"\r\n" + said + b"\r\n"))
        assert (await reader.readuntil(b"here")).endswith(b"127.0.0.1 http here")
        writer.close()


async def test_an_idle_connection_does_not_hold_up_the_end() -> None:
    async with serving(Settings(keep_alive_seconds=3600)) as (server, task, port):
        reader, writer = await connected(port)
        server.handle_exit(signal.SIGTERM, None)
        assert await reader.read() == b""
        await task
        writer.close()
