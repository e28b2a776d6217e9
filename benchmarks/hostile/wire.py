"""HTTP/1.1 as the benchmark's clients speak it: requests made beforehand, and an answer read off a connection."""

import asyncio
import json
from typing import NamedTuple

Address = tuple[str, int]
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Reply(NamedTuple):
    """How a request was answered. `code` is the error's own word where there is one."""

    status: int
    code: str
    closes: bool


def request(path: str, body: bytes, kind: str, method: str = "POST") -> bytes:
    """Head and body in one piece."""
    return head(path, kind, len(body), method) + body


def head(path: str, kind: str, length: int, method: str = "POST") -> bytes:
    """The head of a request whose body has so many bytes."""
    return (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


async def connect(server: Address, source: str) -> Connection:
    """A connection from one of this machine's own addresses: 127.0.0.0/8 are all its own. Raises OSError."""
    return await asyncio.open_connection(*server, local_addr=(source, 0))


async def reply(reader: asyncio.StreamReader) -> Reply:
    """The next answer, read to its end. Raises OSError, EOFError where the connection ends before."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    length = fields.get("content-length", "")
    body = await reader.readexactly(int(length)) if length.isdecimal() else await reader.read()
    status = int(lines[0].split()[1])
    closes = fields.get("connection", "").lower() == "close" or not length.isdecimal()
    return Reply(status, _code(body) if status >= 400 else "", closes)


def _code(body: bytes) -> str:
    try:
        return str(json.loads(body)["code"])
    except (ValueError, LookupError, TypeError):
        return ""
