"""One budget of bytes for all requests of a process: what they have sent, and what that unpacks to, until they are
answered.
"""

from collections import Counter
from types import TracebackType
from typing import Self

from starlette.types import Scope

from app.errors import NotReady

FREE = 64 * 1024  # bytes of each request that do not count: connections bound them
_KEY = "digitserve.held"


class ByteBudget:
    """Lives on one event loop. A client gets no more than it leaves free: alone half of the budget, and the more hold
    something, the less each (dynamic thresholds, Choudhury and Hahne 1998).
    """

    def __init__(self, max_bytes: int) -> None:
        self.held = 0
        self._max_bytes = max_bytes
        self._held_by: Counter[str] = Counter()

    def take(self, client: str, count: int) -> None:
        """Raises NotReady (`too_busy`) where that is too much now."""
        held, mine = self.held + count, self._held_by[client] + count
        if mine > self._max_bytes - held:
            if not self._held_by[client]:
                del self._held_by[client]
            raise NotReady(
                "too_busy", "The server holds as much as it can of what was sent. Repeat the request in a few seconds."
            )
        self.held, self._held_by[client] = held, mine

    def give_back(self, client: str, count: int) -> None:
        """What is no longer held."""
        self.held -= count
        self._held_by[client] -= count
        if not self._held_by[client]:
            del self._held_by[client]


class Held:
    """What one request holds, until the end of the block. Without a budget it is only counted."""

    def __init__(self, budget: ByteBudget | None, client: str) -> None:
        self.bytes = 0
        self._budget = budget
        self._client = client
        self._counted = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.become(0)

    def add(self, count: int) -> None:
        """So much more. Raises NotReady (`too_busy`), and holds no more than before."""
        self.become(self.bytes + count)

    def become(self, count: int) -> None:
        """So much and no more: what it held before is let go. Raises NotReady (`too_busy`)."""
        counted = max(0, count - FREE)
        if self._budget is not None and counted != self._counted:
            if counted > self._counted:
                self._budget.take(self._client, counted - self._counted)
            else:
                self._budget.give_back(self._client, self._counted - counted)
        self.bytes, self._counted = count, counted


def told(scope: Scope, held: Held) -> Scope:
    """The scope for those who hold more of a request than its body."""
    return {**scope, _KEY: held}


def held_by(scope: Scope) -> Held:
    """What the request of a scope holds; where nobody counts, a count of its own."""
    found = scope.get(_KEY)
    return found if isinstance(found, Held) else Held(None, "")
