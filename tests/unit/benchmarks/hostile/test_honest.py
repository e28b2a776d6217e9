import asyncio
from asyncio import StreamReader, StreamWriter
from contextlib import suppress

import pytest

from benchmarks.hostile.honest import Kind, Times, measure


def test_shares_are_taken_of_the_ordered_times() -> None:
    times = Times([float(n) for n in range(100, 0, -1)])
    assert (times.at(0.5), times.at(0.99), times.at(1)) == (51, 100, 100)
    assert Times().at(0.99) == float("inf")


async def test_a_second_without_answers_counts_for_each_request_that_was_due_in_it() -> None:
    """The server answers at once, but for the first second, in which it answers nobody."""
    loop = asyncio.get_running_loop()
    opens = loop.time() + 1.2

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            await reader.readuntil(b"IEND\xaeB`\x82")
            await asyncio.sleep(opens - loop.time())
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async def ended(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (EOFError, OSError):
            writer.close()

    async with await asyncio.start_server(ended, "127.0.0.1", 0) as server:
        place = server.sockets[0].getsockname()[:2]
        digit, drawing = await measure((str(place[0]), int(place[1])), 2, same_address=True)
    for times in (digit, drawing):
        assert not times.failures
        assert 38 <= len(times.milliseconds) <= 42  # two people, ten times a second, for two seconds
        assert sum(spent > 100 for spent in times.milliseconds) >= 14  # of the twenty that were due in the first second


async def test_each_kind_is_sent_as_often_as_it_says() -> None:
    got: list[bytes] = []

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(EOFError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                got.append(head)
                await reader.readexactly(3)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    kinds = (Kind(lambda _: b"one", "image/jpeg", 5), Kind(lambda _: b"two", each_second=20))
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        place = server.sockets[0].getsockname()[:2]
        rare, often = await measure((str(place[0]), int(place[1])), 1.0, same_address=True, kinds=kinds)
    assert len(rare.milliseconds) == sum(b"image/jpeg" in head for head in got) == pytest.approx(10, abs=2)
    assert len(often.milliseconds) == sum(b"image/png" in head for head in got) == pytest.approx(40, abs=2)


async def test_who_is_not_let_in_is_counted() -> None:
    async with await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0) as server:
        place = server.sockets[0].getsockname()[:2]
        digit, _ = await measure((str(place[0]), int(place[1])), 0.4, same_address=True)
    assert digit.failures.total() == len(digit.milliseconds) > 0
