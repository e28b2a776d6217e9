"""Turns: so many at once, round robin between clients; nobody waits behind the many requests of another."""

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable


class Full(Exception):
    """So many wait already that more would only wait in vain."""


class Late(Exception):
    """The deadline passed before a turn came."""


class Turns:
    """Who is next. Lives on one event loop at a time."""

    def __init__(
        self,
        at_once: int = 1,
        *,
        at_once_each: int | None = None,
        max_waiting: int = 128,
        max_waiting_each: int = 64,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`at_once_each` and `max_waiting_each` are of one client."""
        self._at_once = at_once
        self._at_once_each = at_once_each or at_once
        self._max_waiting = max_waiting
        self._max_waiting_each = max_waiting_each
        self._clock = clock
        self._running: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()  # whose turn is next comes first

    @property
    def waiting(self) -> int:
        """How many wait, of all clients."""
        return sum(map(len, self._waiting.values()))

    async def take(self, client: str, deadline: float = float("inf")) -> None:
        """Returns when it is this client's turn, which `give` ends. `deadline` is a time of the clock.

        Raises Full at once, and Late at the deadline. Whoever is cancelled leaves the line.
        """
        if self._clock() > deadline:
            raise Late
        if not self._waiting.get(client) and self._is_free_for(client):
            self._running[client] += 1
            return
        if self.waiting >= self._max_waiting or len(self._waiting.get(client, ())) >= self._max_waiting_each:
            raise Full
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(turn)
        left = deadline - self._clock()
        try:
            async with asyncio.timeout(left if left < float("inf") else None):
                await turn
        except BaseException as error:
            self._leave(client, turn)
            if isinstance(error, TimeoutError):
                raise Late from None
            raise

    def give(self, client: str) -> None:
        """Ends a turn, and begins that of whoever is next."""
        self._running[client] -= 1
        if not self._running[client]:
            del self._running[client]
        if client in self._waiting:  # whoever came while it had its turn comes before its next one
            self._waiting.move_to_end(client)
        self._next()

    def _is_free_for(self, client: str) -> bool:
        return self._running.total() < self._at_once and self._running[client] < self._at_once_each

    def _next(self) -> None:
        for client in list(self._waiting):
            if self._running.total() >= self._at_once:
                return
            if not self._is_free_for(client):
                continue
            line = self._waiting[client]
            turn = line.popleft()
            self._waiting.move_to_end(client)
            if not line:
                del self._waiting[client]
            self._running[client] += 1
            turn.set_result(None)

    def _leave(self, client: str, turn: "asyncio.Future[None]") -> None:
        if turn.done() and not turn.cancelled():  # its turn had come, and nobody takes it
            self.give(client)
            return
        line = self._waiting.get(client)
        if line is not None and turn in line:
            line.remove(turn)
            if not line:
                del self._waiting[client]
