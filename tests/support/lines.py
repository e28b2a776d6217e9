"""Connections whose clients leave when a test says so, and work that hears of it."""

import asyncio
from collections.abc import Callable

from starlette.types import Scope

from app.web.connection import CONNECTION
from tests.support.patience import PATIENCE_SECONDS


class Line:
    """A connection whose client leaves when the test says so."""

    def __init__(self, *, has_gone: bool = False) -> None:
        self.heard: list[Callable[[], None] | None] = []
        self._has_gone = has_gone

    def when_gone(self, leave: Callable[[], None] | None) -> None:
        self.heard.append(leave)
        if leave is not None and self._has_gone:
            leave()

    @property
    def is_waited_on(self) -> bool:
        """Whether somebody wants to hear of it."""
        return bool(self.heard) and self.heard[-1] is not None

    def go(self) -> None:
        """The client leaves, while somebody waits for that."""
        leave = self.heard[-1]
        assert leave is not None
        leave()


def scope(line: Line) -> Scope:
    return {"type": "http", CONNECTION: line}


class Work:
    """Never ends by itself, and remembers how it ended."""

    def __init__(self) -> None:
        self.began = self.was_cancelled = False

    async def __call__(self) -> int:
        self.began = True
        try:
            await asyncio.sleep(PATIENCE_SECONDS)
            return 7
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
