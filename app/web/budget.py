"""One budget of bytes for all requests of a process: what they have sent, and what that unpacks to, until they are
answered.
"""

import math
from collections import Counter
from types import TracebackType
from typing import Protocol, Self

from starlette.types import Scope

from app.errors import AppError, NotReady

FREE = 64 * 1024  # bytes of each request that do not count: connections bound them
SENDER = "digitserve.sender"  # of a scope: the Sender of its body
_KEY = "digitserve.held"


class Sender(Protocol):
    """Who sends the body of a request."""

    def rate(self) -> float:
        """Bytes a second lately; infinite where it has come at once, is whole, or nobody reads it."""

    def end_body(self, refusal: AppError) -> None:
        """Whoever reads the body is told so."""


class ByteBudget:
    """Lives on one event loop. A client gets no more than it leaves free: alone half of the budget, and the more hold
    something, the less each (dynamic thresholds, Choudhury and Hahne 1998). Where that is too little for somebody,
    bodies that come more slowly than his give way, the slowest first.
    """

    def __init__(self, max_bytes: int) -> None:
        self.held = 0
        self._max_bytes = max_bytes
        self._held_by: Counter[str] = Counter()
        self._arriving: set[Held] = set()

    def take(self, one: "Held", count: int) -> None:
        """Raises NotReady (`too_busy`) where that is too much now."""
        while self.held + self._held_by.get(one.client, 0) + 2 * count > self._max_bytes:
            slowest = min(self._arriving - {one}, key=Held.rate, default=one)
            if slowest.rate() >= one.rate():
                raise _too_busy()
            slowest.give_way(_too_busy())
        self.held += count
        self._held_by[one.client] += count
        if one.sender is not None:
            self._arriving.add(one)

    def give_back(self, one: "Held", count: int, *, is_all: bool) -> None:
        """What is no longer held."""
        self.held -= count
        self._held_by[one.client] -= count
        if not self._held_by[one.client]:
            del self._held_by[one.client]
        if is_all:
            self._arriving.discard(one)


class Held:
    """What one request holds, until the end of the block. Without a budget it is only counted; without a sender it
    gives way to nobody."""

    def __init__(self, budget: ByteBudget | None, client: str, sender: Sender | None = None) -> None:
        self.bytes = 0
        self.client = client
        self.sender = sender
        self._budget = budget
        self._counted = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.become(0)

    def rate(self) -> float:
        """The sender's."""
        return math.inf if self.sender is None else self.sender.rate()

    def give_way(self, refusal: AppError) -> None:
        """Lets go of everything: others need it more. What still comes of it is not held."""
        self.become(0)
        self._budget = None
        if self.sender is not None:
            self.sender.end_body(refusal)

    def add(self, count: int) -> None:
        """So much more. Raises NotReady (`too_busy`), and holds no more than before."""
        self.become(self.bytes + count)

    def become(self, count: int) -> None:
        """So much and no more: what it held before is let go. Raises NotReady (`too_busy`)."""
        counted = max(0, count - FREE)
        if self._budget is not None and counted != self._counted:
            if counted > self._counted:
                self._budget.take(self, counted - self._counted)
            else:
                self._budget.give_back(self, self._counted - counted, is_all=not counted)
        self.bytes, self._counted = count, counted


def _too_busy() -> NotReady:
    sentence = "The server holds as much as it can of what was sent. Repeat the request in a few seconds."
    return NotReady("too_busy", sentence)


def told(scope: Scope, held: Held) -> Scope:
    """The scope for those who hold more of a request than its body."""
    return {**scope, _KEY: held}


def held_by(scope: Scope) -> Held:
    """What the request of a scope holds; where nobody counts, a count of its own."""
    found = scope.get(_KEY)
    return found if isinstance(found, Held) else Held(None, "")
