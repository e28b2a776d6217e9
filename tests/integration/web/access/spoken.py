"""The whole service on a real socket, as a process has it, and what is said to it byte by byte."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from app.main import create_app
from app.process import configured
from app.settings import Settings
from tests.conftest import EXAMPLES
from tests.support.patience import PATIENCE_SECONDS, Patience, until

PICTURE = (EXAMPLES / "7.png").read_bytes()


@dataclass(frozen=True)
class Heard:
    """One answer."""

    status: int
    lines: list[tuple[str, str]]  # its headers
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of the only header of this name."""
        found = [value for other, value in self.lines if other == name]
        assert len(found) < 2, found
        return found[0] if found else None

    @property
    def code(self) -> str:
        """Of a problem."""
        return str(json.loads(self.body)["code"])


@asynccontextmanager
async def service(folder: Path, **options: Any) -> AsyncIterator[int]:
    """Its port, with its version loaded."""
    settings = Settings(store_dir=folder / "store", state_dir=folder / "state", **options)
    server = uvicorn.Server(configured(create_app(settings), settings))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started or task.done())
        port: int = listener.getsockname()[1]
        patience = Patience("a version to be loaded")
        while (await said(port, request("POST", "/v1/predict", PICTURE, "Content-Type: image/png"))).status == 503:
            await asyncio.sleep(patience.pause())
        yield port
        server.should_exit = True
        await task


def request(method: str, target: str, body: bytes = b"", *lines: str, host: str | None = "localhost:8000") -> bytes:
    """With a length where there is a body, as browsers and curl write it."""
    head = [f"{method} {target} HTTP/1.1", *([] if host is None else [f"Host: {host}"]), *lines]
    head += [f"Content-Length: {len(body)}"] if body or method == "POST" else []
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


async def said(port: int, sent: bytes) -> Heard:
    """What comes for these bytes, which are one request, on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            writer.write(sent)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            lines = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in head[1:] if line)]
            status, found = int(head[0].split(" ")[1]), dict(lines)
            if sent.startswith(b"HEAD") or status in (204, 304):
                body = b""
            elif "content-length" in found:
                body = await reader.readexactly(int(found["content-length"]))
            else:
                body = await reader.readuntil(b"0\r\n\r\n")
    finally:
        writer.transport.abort()
    return Heard(status, lines, body)
