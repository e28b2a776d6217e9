import asyncio

import pytest

from benchmarks.hostile.wire import Reply, reply, request


async def read(data: bytes) -> Reply:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return await reply(reader)


def test_a_request_says_how_long_its_body_is() -> None:
    assert request("/v1/read", b"abc", "image/png") == (
        b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 3\r\n\r\nabc"
    )


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", Reply(200, "", False)),
        (b'HTTP/1.1 503 X\r\ncontent-length: 14\r\n\r\n{"code":"busy"}'[:-1] + b"}", Reply(503, "", False)),
        (
            b'HTTP/1.1 431 X\r\nconnection: close\r\ncontent-length: 15\r\n\r\n{"code":"large"',
            Reply(431, "", True),
        ),
        (b'HTTP/1.1 503 X\r\ncontent-length: 15\r\n\r\n{"code":"busy"}', Reply(503, "busy", False)),
        (b"HTTP/1.1 400 Bad Request\r\n\r\nno JSON", Reply(400, "", True)),
    ],
)
async def test_an_answer_is_read_to_its_end(data: bytes, found: Reply) -> None:
    assert await read(data) == found


async def test_an_answer_that_is_cut_is_none() -> None:
    for data in (b"", b"HTTP/1.1 200 OK\r\nContent-", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"):
        with pytest.raises(EOFError):
            await read(data)
