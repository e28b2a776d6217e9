"""Requests that offer another protocol, over real sockets to a real uvicorn: their bodies are read."""

import asyncio
import itertools
import json
import socket
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from app.web.http1.parser import without_offer
from tests.unit.app.web.http1.serving import serving

# What Java's HttpClient sends with its first request
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n"
BODY = bytes(range(256)) * 3


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    body = await request.body()
    told = {"method": request.method, "target": request.url.path, "body": body.hex(), "headers": dict(request.headers)}
    await JSONResponse(told)(scope, receive, send)


@pytest.fixture(scope="module")
async def port() -> AsyncIterator[int]:
    """Where the server listens."""
    async with serving(app=echo) as served:
        yield served.port


def request(offer: bytes = H2C, body: bytes = BODY, target: str = "/", method: str = "POST") -> bytes:
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n".encode()
    return head + offer + b"\r\n" + body


async def told(port: int, pieces: Iterable[bytes], count: int) -> list[dict[str, Any]]:
    """What the server says to `count` requests on one connection, each piece of which is a segment of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def send() -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.0005)

    sending = asyncio.create_task(send())
    answers = [json.loads(await answer(reader)) for _ in range(count)]
    await sending
    writer.close()
    await writer.wait_closed()
    return answers


async def answer(reader: asyncio.StreamReader) -> bytes:
    """The body of the next answer but 100; fails where it is not 200."""
    head = await reader.readuntil(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 100 "):
        return await answer(reader)
    assert head.startswith(b"HTTP/1.1 200 "), head
    (length,) = [line for line in head.split(b"\r\n") if line.startswith(b"content-length: ")]
    return await reader.readexactly(int(length.removeprefix(b"content-length: ")))


def cut(data: bytes, *places: int) -> list[bytes]:
    edges = [0, *places, len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


WHOLE = request()
HEAD = WHOLE.index(b"\r\n\r\n") + 4


@pytest.mark.parametrize(
    "pieces",
    [
        [WHOLE],
        cut(WHOLE, HEAD),
        cut(WHOLE, HEAD + 5, HEAD + 300),
        cut(WHOLE, WHOLE.index(b"h2c") + 1, HEAD - 3, HEAD + 1),
        cut(WHOLE, 5, HEAD + 1),
        [bytes([byte]) for byte in WHOLE],
    ],
    ids=["at once", "head and body", "body in parts", "offer cut", "method cut", "byte by byte"],
)
async def test_the_body_is_read_however_it_comes(port: int, pieces: list[bytes]) -> None:
    (said,) = await told(port, pieces, 1)
    assert bytes.fromhex(said["body"]) == BODY
    assert (said["method"], said["headers"]["host"]) == ("POST", "x")
    assert "upgrade" not in said["headers"]


@pytest.mark.parametrize(
    "offer",
    [
        b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n",
        b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
        b"upgrade: h2c, foo/2\r\nconnection: keep-alive, UPGRADE\r\n",
        b"Connection: upgrade\r\nUpgrade: h2c\r\nUpgrade: foo\r\nX-After: 1\r\n",
        b"Connection: upgrade\r\nUpgrade: h2c\r\nExpect: 100-continue\r\n",
        b"Upgrade: h2c\r\n",
        b"Connection: upgrade\r\n",
    ],
)
async def test_every_offer_is_passed_over(port: int, offer: bytes) -> None:
    for body in (BODY, b""):
        (said,) = await told(port, [request(offer, body)], 1)
        assert bytes.fromhex(said["body"]) == body


async def test_a_chunked_body_is_read(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + H2C + b"\r\n"
    data = head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (BODY, b"x", BODY)) + b"0\r\n\r\n"
    for pieces in ([data], cut(data, len(head)), cut(data, len(head) + 2, len(head) + 900)):
        (said,) = await told(port, pieces, 1)
        assert bytes.fromhex(said["body"]) == BODY + b"x" + BODY


async def test_a_large_body_is_read(port: int) -> None:
    (said,) = await told(port, [request(body=BODY * 1000)], 1)
    assert bytes.fromhex(said["body"]) == BODY * 1000


async def test_several_on_one_connection_are_answered_in_their_order(port: int) -> None:
    offers = [H2C, b"", H2C, H2C, b"", H2C]
    whole = [request(offer, b"%d" % n, f"/{n}") for n, offer in enumerate(offers)]
    together = b"".join(whole)
    for pieces in (whole, [together], cut(together, 7, 260, 400, 700)):
        said = await told(port, pieces, len(offers))
        assert [(one["target"], bytes.fromhex(one["body"])) for one in said] == [
            (f"/{n}", b"%d" % n) for n in range(len(offers))
        ]


async def test_thousands_at_once_are_no_tower(port: int) -> None:
    said = await told(port, [request(body=b"", target=f"/{n}", method="GET") for n in range(3)] * 500, 1500)
    assert {one["target"] for one in said} == {"/0", "/1", "/2"}


async def test_an_old_client_is_answered_and_left(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request().replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert bytes.fromhex(json.loads(await answer(reader))["body"]) == BODY
    assert await reader.read() == b""  # HTTP/1.0: one request a connection
    writer.close()


@pytest.mark.parametrize("target", ["example.com:443", "/v1/predict"])
async def test_a_tunnel_is_refused_and_its_content_never_read(port: int, target: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode() + request())
    said = await reader.read()
    assert said.startswith(b"HTTP/1.1 400 ") and said.count(b"HTTP/1.1") == 1
    writer.close()


def test_a_head_without_its_offer_is_the_same_head_otherwise() -> None:
    headers = [(b"host", b"x"), (b"upgrade", b"h2c"), (b"connection", b"upgrade"), (b"upgrade", b"foo")]
    anew = without_offer(b"POST", b"/a?b", "1.1", headers)
    assert anew == b"POST /a?b HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n\r\n"
