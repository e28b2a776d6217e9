"""The attackers: one process with an event loop for all of them, so that they take little of the cores that they share
with the server. Their requests are made before they begin.

An attacker whose request was answered sends the next one at once; one that was refused waits a twentieth of a second.
Together they have a gigabit line.
"""

import asyncio
import multiprocessing
import os
import resource
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import count, cycle
from multiprocessing.connection import Connection as Pipe

import uvloop

from benchmarks.hostile.attacks import ATTACKS, Way
from benchmarks.hostile.bodies import BODY_BYTES
from benchmarks.hostile.wire import Address, Reply, connect, head, reply

Answers = Counter[str]  # "200", "422 image_too_complex", "closed", "not let in", "open at the end"
_PAUSE, _DRIP = 0.05, 1.0  # seconds after a refusal; between two pieces of what is sent slowly
_LINE = 119 * 2**20  # bytes a second
_PIECE = 256 * 1024
_HEADERS = 300 * 2**20  # bytes of them on one connection
_NICE = 5
_OPENING_SECONDS = 1.0  # in which they come: all at once would be taken in by one process of the server


class Line:
    """What all attackers send over: nobody's next piece begins before the pieces before it would be through."""

    def __init__(self, rate: float = _LINE) -> None:
        self._rate = rate
        self._free = 0.0

    async def carry(self, size: int) -> None:
        """Waits until so many bytes may begin."""
        now = asyncio.get_running_loop().time()
        begin, self._free = max(self._free, now), max(self._free, now) + size / self._rate
        if begin > now:
            await asyncio.sleep(begin - now)


class Attackers:
    """The process of the attackers, seen from the benchmark. It is ready when this is made."""

    def __init__(self, names: Sequence[str], server: Address, each: int, same_address: bool) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=attack, args=(names, server, each, same_address, theirs), daemon=True)
        self._process.start()
        self._pipe.recv()

    def begin(self) -> None:
        """They attack from now on."""
        self._pipe.send("begin")

    def end(self) -> dict[str, Answers]:
        """What each kind of them got."""
        self._pipe.send("end")
        got: dict[str, Answers] = self._pipe.recv()
        self._process.join()
        return got


def attack(names: Sequence[str], server: Address, each: int, same_address: bool, pipe: Pipe) -> None:
    """The process: makes what it sends, says that it is ready, attacks until it is told to end, says what it got."""
    os.nice(_NICE)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    work = [(name, ATTACKS[name].requests()) for name in names]
    pipe.send("ready")
    pipe.recv()
    got = uvloop.run(_all(work, server, each, same_address, pipe))
    pipe.send(got)


async def _all(
    work: Sequence[tuple[str, Sequence[bytes]]], server: Address, each: int, same_address: bool, pipe: Pipe
) -> dict[str, Answers]:
    got, line, tasks = {name: Counter[str]() for name, _ in work}, Line(), []
    for number, (name, requests) in enumerate(work, 1):
        source = "127.0.0.1" if same_address else f"127.0.66.{number}"
        many = ATTACKS[name].connections or each
        for place in range(many):
            attacker = Attacker(server, source, got[name], line)
            coming = attacker.go(ATTACKS[name].way, requests, _OPENING_SECONDS * place / many)
            tasks.append(asyncio.create_task(coming))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(pipe.fileno(), ended.set)
    await ended.wait()
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
    return got


class Attacker:
    """One connection at a time, opened again whenever it ends. `answers` counts what came."""

    def __init__(self, server: Address, source: str, answers: Answers, line: Line) -> None:
        self._server, self._source, self._answers, self._line = server, source, answers, line

    async def go(self, way: Way, requests: Sequence[bytes], after: float) -> None:
        """Until it is cancelled, from so many seconds on."""
        await asyncio.sleep(after)
        ways: dict[Way, Callable[[], AsyncIterator[bytes]]] = {
            "idles": _nothing, "drips a head": _head_drip, "drips a body": _body_drip,
            "stops in a body": _unfinished, "piles up headers": _headers,
        }  # fmt: skip
        while True:
            try:
                reader, writer = await connect(self._server, self._source)
            except OSError:
                self._answers["not let in"] += 1
                await asyncio.sleep(_PAUSE)
                continue
            try:
                await (
                    self._asks(reader, writer, requests) if way == "asks" else self._sends(reader, writer, ways[way]())
                )
            except asyncio.CancelledError:
                self._answers["open at the end"] += 1
                raise
            except (OSError, EOFError):
                self._answers["closed"] += 1
            finally:
                writer.transport.abort()
            await asyncio.sleep(_PAUSE)

    async def _asks(self, reader: StreamReader, writer: StreamWriter, requests: Sequence[bytes]) -> None:
        for request in cycle(requests):
            await self._line.carry(len(request))
            writer.write(request)
            answer = await self._answer(reader)
            if answer.closes:
                return
            if answer.status >= 400:
                await asyncio.sleep(_PAUSE)

    async def _sends(self, reader: StreamReader, writer: StreamWriter, pieces: AsyncIterator[bytes]) -> None:
        """Sends them until an answer comes. The connection stays open until the server ends it."""
        answered = asyncio.create_task(self._answer(reader))
        sent = asyncio.create_task(self._pieces(writer, pieces))
        try:
            await answered
        finally:
            for task in (answered, sent):
                task.cancel()
            await asyncio.gather(answered, sent, return_exceptions=True)

    async def _pieces(self, writer: StreamWriter, pieces: AsyncIterator[bytes]) -> None:
        async for piece in pieces:
            await self._line.carry(len(piece))
            writer.write(piece)
            await writer.drain()

    async def _answer(self, reader: StreamReader) -> Reply:
        answer = await reply(reader)
        self._answers[f"{answer.status} {answer.code}".strip()] += 1
        return answer


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def _head_drip() -> AsyncIterator[bytes]:
    yield b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n"
    for number in count():
        await asyncio.sleep(_DRIP)
        yield b"X-%d: 1\r\n" % number


async def _body_drip() -> AsyncIterator[bytes]:
    yield head("/v1/predict", "image/png", BODY_BYTES)
    while True:
        await asyncio.sleep(_DRIP)
        yield bytes(100)


async def _unfinished() -> AsyncIterator[bytes]:
    yield head("/v1/predict", "image/png", BODY_BYTES + 1)
    for _ in range(BODY_BYTES // _PIECE):
        yield bytes(_PIECE)


async def _headers() -> AsyncIterator[bytes]:
    yield b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n"
    line = b"X: " + b"x" * 8000 + b"\r\n"
    for _ in range(_HEADERS // len(line)):
        yield line
