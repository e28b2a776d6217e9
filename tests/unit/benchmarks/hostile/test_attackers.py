import asyncio
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from benchmarks.hostile.attackers import Attacker, Line
from benchmarks.hostile.attacks import ATTACKS, Way
from benchmarks.hostile.wire import request

Serve = Callable[[StreamReader, StreamWriter], Awaitable[None]]
REFUSAL = b'HTTP/1.1 422 X\r\nContent-Length: 24\r\n\r\n{"code":"image_strange"'


async def attacked(serve: Serve, way: Way, until: Callable[[Counter[str]], bool]) -> Counter[str]:
    """What one attacker got from such a server until that was enough."""

    async def served(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    answers: Counter[str] = Counter()
    async with await asyncio.start_server(served, "127.0.0.1", 0, limit=2**26) as server:
        place = server.sockets[0].getsockname()
        attacker = Attacker((place[0], place[1]), "127.0.66.1", answers, Line())
        task = asyncio.create_task(attacker.go(way, [request("/v1/predict", b"x", "image/png")], 0))
        while not until(answers):
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return answers


async def test_it_asks_again_and_again_and_counts_what_came() -> None:
    async def refuse(reader: StreamReader, writer: StreamWriter) -> None:
        for _ in range(3):
            await reader.readuntil(b"\r\n\r\nx")
            writer.write(REFUSAL + b"}")
        await reader.readuntil(b"\r\n\r\nx")  # and ends without an answer

    answers = await attacked(refuse, "asks", lambda found: found["closed"] >= 2)
    assert answers["422 image_strange"] >= 6


@pytest.mark.parametrize(
    ("way", "begins", "least"),
    [
        ("idles", b"", 0),
        ("drips a head", b"POST /v1/predict HTTP/1.1\r\n", 30),
        ("drips a body", b"POST /v1/predict HTTP/1.1\r\n", 100),
        ("stops in a body", b"POST /v1/predict HTTP/1.1\r\n", 9 * 2**20),
        ("piles up headers", b"POST /v1/predict HTTP/1.1\r\n", 2**20),
    ],
)
async def test_what_never_ends_goes_on_until_the_server_ends_it(way: Way, begins: bytes, least: int) -> None:
    seen: list[bytes] = []

    async def end(reader: StreamReader, writer: StreamWriter) -> None:
        got = await reader.readexactly(least)
        seen.append(got)

    answers = await attacked(end, way, lambda found: found["closed"] >= 2)
    assert answers["closed"] >= 2
    assert all(got.startswith(begins) and len(got) == least for got in seen)


async def test_the_line_carries_so_many_bytes_a_second() -> None:
    line, loop = Line(rate=1000), asyncio.get_running_loop()
    begin = loop.time()
    for _ in range(3):
        await line.carry(100)  # the next may begin a tenth of a second later
    assert loop.time() - begin >= 0.19


def test_each_attack_that_asks_has_requests() -> None:
    assert {attack.way for attack in ATTACKS.values()} == {
        "asks", "idles", "drips a head", "drips a body", "stops in a body", "piles up headers",
    }  # fmt: skip
    quick = ("pages", "explanations", "texts", "scans")
    for name in quick:
        for sent in ATTACKS[name].requests():
            head, _, body = sent.partition(b"\r\n\r\n")
            assert head.startswith(b"POST /v1/") and f"Content-Length: {len(body)}".encode() in head
