"""Requests of which two servers in a row could see different ends: each is refused, what follows is not answered."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.app.web.http1.serving import GET, Served, client, serving

START = b"POST /body HTTP/1.1\r\nHost: x\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = {
    "two lengths": START + b"Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello",
    "a length and chunks": START + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": START + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "a blank before the colon": START + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a blank before the length's colon": START + b"Content-Length : 5\r\n\r\nhello",
    "a signed length": START + b"Content-Length: +5\r\n\r\nhello",
    "a length with an underscore": START + b"Content-Length: 1_0\r\n\r\nhellohello",
    "a length in hexadecimal": START + b"Content-Length: 0x5\r\n\r\nhello",
    "a list of lengths": START + b"Content-Length: 5, 5\r\n\r\nhello",
    "a folded line": START + b"X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
    "chunks by another name": START + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks that are not the last coding": START + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunks twice": START + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a tab in a name": START + b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
    "a NUL in a value": START + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
    "a lone CR in a value": START + b"X: a\rTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
    "a chunk that is longer than it says": CHUNKED + b"5\r\nhelloXX0\r\n\r\n",
    "a chunk that ends with a line feed": CHUNKED + b"5\r\nhello\n0\r\n\r\n",
    "a size that ends with a line feed": CHUNKED + b"5\nhello\r\n0\r\n\r\n",
    "an extension with a line feed": CHUNKED + b"5;a\nhello\r\n0\r\n\r\n",
    "a signed size": CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n",
    "a size with 0x": CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n",
    "a size with a blank": CHUNKED + b"5 5\r\nhello\r\n0\r\n\r\n",
    "a size beyond 64 bits": CHUNKED + b"10000000000000005\r\nhello\r\n0\r\n\r\n",
}


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving() as one:
        yield one


@pytest.mark.parametrize("how", SMUGGLED)
async def test_what_has_two_ends_is_refused_and_nothing_behind_it_is_answered(served: Served, how: str) -> None:
    async with client(served.port) as one:
        await one.send(SMUGGLED[how] + GET)
        status, headers, _ = await one.answer()
        assert (status, headers["connection"]) == (400, "close")
        assert await one.rest() == b""


async def test_what_has_one_end_is_read_and_what_follows_answered(served: Served) -> None:
    for honest in (START + b"Content-Length: 5\r\n\r\nhello", CHUNKED + b"5;a=b\r\nhello\r\n0\r\n\r\n"):
        async with client(served.port) as one:
            await one.send(honest + GET)
            assert (await one.answer())[0] == 200
            assert (await one.answer())[2] == b'"here"'
