"""The connections of a process: how many there may be, which gives way to a newcomer, and which has had its time."""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from operator import itemgetter
from typing import Protocol

from app.telemetry.measures import Measures
from app.web.http1.limits import HttpLimits

_MOMENT = 0.02  # seconds
_TURNED_AWAY = 64  # newcomers that are told so at once; what is more is closed unheard


class Connection(Protocol):
    """What can be done to one."""

    def check(self, now: float, seconds: float) -> None:
        """Ends it where its time is over; `seconds` have passed since the last look."""

    def give_way(self) -> None:
        """Ends it for another."""

    def rate(self) -> float:
        """Bytes a second lately of the body that it sends, infinite where it sends none or has just begun."""


class Connections:
    """Lives on the event loop of the process. Connections say what they are at, each in one list at a time."""

    def __init__(self, limits: HttpLimits, measures: Measures) -> None:
        self.limits = limits
        self.measures = measures
        measures.connections.read = lambda: {(): len(self._open)}
        self._open: set[Connection] = set()
        self._turned_away: set[Connection] = set()
        self._waiting: dict[Connection, None] = {}  # for a request or the rest of its head, the longest first
        self._lingering: dict[Connection, None] = {}  # answered for good, the longest first
        self._turns: deque[Callable[[], None]] = deque()
        self._looked_at = 0.0
        self._newest: Connection | None = None  # of which nothing has come yet
        self._newest_came = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    @property
    def is_busy(self) -> bool:
        """Whether there are requests to answer, or one will come in a moment from whoever has just come."""
        if len(self._open) > len(self._waiting) + len(self._lingering):
            return True
        return self._newest is not None and asyncio.get_running_loop().time() - self._newest_came < _MOMENT

    def admit(self, connection: Connection) -> bool | None:
        """Whether a newcomer has a place. None where there is not even one to tell it so."""
        loop = asyncio.get_running_loop()
        if self._timer is None:
            self._looked_at = loop.time()
            self._timer = loop.call_later(self.limits.look_seconds, self._look)
        if len(self._open) >= self.limits.max_connections and not self._has_made_room():
            if len(self._turned_away) >= _TURNED_AWAY:
                return None
            self._turned_away.add(connection)
            return False
        self._open.add(connection)
        self._waiting[connection] = None
        self._newest, self._newest_came = connection, loop.time()
        return True

    def wait(self, connection: Connection) -> None:
        """It waits for its next request."""
        if connection in self._open:
            self._waiting[connection] = None

    def work(self, connection: Connection) -> None:
        """The head of a request is whole."""
        self._waiting.pop(connection, None)
        if connection is self._newest:
            self._newest = None

    def linger(self, connection: Connection) -> None:
        """It was answered, and ends when its client has read that."""
        self._waiting.pop(connection, None)
        if connection in self._open:
            self._lingering[connection] = None

    def in_turn(self, go_on: Callable[[], None]) -> None:
        """Calls it soon, one such a round of the loop: whoever sends requests ahead waits behind others who do, and
        nobody else waits for them.
        """
        self._turns.append(go_on)
        if len(self._turns) == 1:
            asyncio.get_running_loop().call_soon(self._take_turn)

    def leave(self, connection: Connection) -> None:
        """It has ended."""
        self._open.discard(connection)
        if connection is self._newest:
            self._newest = None
        self._turned_away.discard(connection)
        self._waiting.pop(connection, None)
        self._lingering.pop(connection, None)
        if not self._open and not self._turned_away and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _take_turn(self) -> None:
        go_on = self._turns.popleft()
        if self._turns:
            asyncio.get_running_loop().call_soon(self._take_turn)
        go_on()

    def _has_made_room(self) -> bool:
        """A newcomer comes before who lingers, waits or sends half a head, and before the slowest of the bodies."""
        last = next(iter(self._lingering), None) or next(iter(self._waiting), None) or self._slowest()
        if last is None:
            return False
        self.leave(last)
        last.give_way()
        return True

    def _slowest(self) -> Connection | None:
        rate, slowest = min(((one.rate(), one) for one in self._open), key=itemgetter(0), default=(math.inf, None))
        return slowest if rate < math.inf else None

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        seconds, self._looked_at = now - self._looked_at, now
        self._timer = loop.call_later(self.limits.look_seconds, self._look)
        for one in [*self._open, *self._turned_away]:
            one.check(now, seconds)
