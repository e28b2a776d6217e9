"""Honest people meanwhile: each sends pictures of one kind again and again, at times that are fixed beforehand.

The time of an answer counts from the moment at which its request was due, not from when the connection was free for it:
who waits twelve seconds for one answer has had no good second in between. A request that was refused, cut or never
answered is counted apart, and its time counts as well.
"""

import asyncio
import contextlib
import os
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.hostile import bodies
from benchmarks.hostile.wire import Address, connect, reply, request

_CONNECTIONS = 2  # of each kind
_VARIANTS = 10  # pictures of a kind
_TOGETHER = 5  # requests on one connection: the next may be taken in by another process of the server
_NICE = 10
_GRACE = 15.0  # seconds that the last answers may take
_BACK_OFF = 0.1  # seconds after a connection was refused


@dataclass(frozen=True)
class Kind:
    """What people send: a picture by its number, its media type, and how many each of them sends a second."""

    picture: Callable[[int], bytes]
    type: str = "image/png"
    each_second: float = 10


DIGIT, DRAWING = Kind(bodies.small), Kind(bodies.drawing)


@dataclass
class Times:
    """Of one kind of request."""

    milliseconds: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)  # why: "503 overloaded", "closed"

    def at(self, share: float) -> float:
        """The time that so large a share stays within; 0.99 is p99. Infinite where there is none."""
        ordered = sorted(self.milliseconds)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("inf")


async def measure(
    server: Address, seconds: float, same_address: bool, kinds: Sequence[Kind] = (DIGIT, DRAWING)
) -> list[Times]:
    """The times of each kind, of two people who send it."""
    found: list[Times] = []
    people = []
    sent = [[request("/v1/predict", kind.picture(n), kind.type) for n in range(_VARIANTS)] for kind in kinds]
    begin = asyncio.get_running_loop().time() + 0.2
    for place, (kind, requests) in enumerate(zip(kinds, sent, strict=True)):
        found.append(Times())
        for number in range(_CONNECTIONS):
            source = "127.0.0.1" if same_address else f"127.0.1.{_CONNECTIONS * place + number + 1}"
            late = (len(kinds) * number + place) / (len(kinds) * _CONNECTIONS * kind.each_second)  # not all at once
            person = _Person(server, source, found[-1], requests, 1 / kind.each_second)
            people.append(asyncio.create_task(person.ask(begin + late, begin + seconds)))
    await asyncio.gather(*people)
    return found


@contextlib.contextmanager
def first() -> Iterator[None]:
    """This thread comes before others, where the machine allows it."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -_NICE)
    yield
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, 0)


class _Person:
    def __init__(self, server: Address, source: str, times: Times, requests: Sequence[bytes], pause: float) -> None:
        self._server, self._source, self._times, self._requests = server, source, times, requests
        self._pause = pause
        self._open: tuple[StreamReader, StreamWriter] | None = None

    async def ask(self, due: float, end: float) -> None:
        clock, number = asyncio.get_running_loop().time, 0
        while due < end:
            await asyncio.sleep(max(0.0, due - clock()))
            try:
                async with asyncio.timeout_at(end + _GRACE):
                    failure = await self._one(self._requests[number % len(self._requests)])
            except TimeoutError:
                failure = "no answer"
                self._hang_up()
            if failure:
                self._times.failures[failure] += 1
            self._times.milliseconds.append(1000 * (clock() - due))
            due, number = due + self._pause, number + 1
            if number % _TOGETHER == 0:
                self._hang_up()
        self._hang_up()

    async def _one(self, data: bytes) -> str:
        """Why it failed; empty where it was answered."""
        try:
            if self._open is None:
                self._open = await connect(self._server, self._source)
            reader, writer = self._open
            writer.write(data)
            answer = await reply(reader)
        except (OSError, EOFError) as error:
            self._hang_up()
            await asyncio.sleep(_BACK_OFF)
            return "closed" if isinstance(error, EOFError) else "not let in"
        if answer.closes:
            self._hang_up()
        return "" if answer.status == 200 else f"{answer.status} {answer.code}".strip()

    def _hang_up(self) -> None:
        if self._open is not None:
            self._open[1].transport.abort()
        self._open = None
