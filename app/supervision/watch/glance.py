"""A glance at something slow, for all who ask: at most once a second, in a thread, and nobody waits long for it."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")

FRESH_SECONDS = 1.0
PATIENCE_SECONDS = 1.5  # a scrape may take two seconds together


class Glance(Generic[T]):
    """Lives on one event loop. It starts no thread before it is asked."""

    def __init__(
        self,
        look: Callable[[], T],
        name: str,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`look` blocks, and raises nothing."""
        self._look = look
        self._threads = ThreadPoolExecutor(1, name)
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._looking: asyncio.Future[T] | None = None
        self._ended = 0.0

    async def now(self) -> T | None:
        """What was seen within the last second; None where that takes too long: it goes on for whoever comes next."""
        if self._looking is None or (self._looking.done() and self._clock() - self._ended >= FRESH_SECONDS):
            self._looking = asyncio.get_running_loop().run_in_executor(self._threads, self._timed)
        await asyncio.wait((self._looking,), timeout=self._patience_seconds)
        return self._looking.result() if self._looking.done() else None

    def _timed(self) -> T:
        """In the thread, so that nobody sees a look that is done and has not ended."""
        found = self._look()
        self._ended = self._clock()
        return found

    def close(self) -> None:
        """Begins nothing more, and waits for nothing: a disk that hangs may hang for ever."""
        self._threads.shutdown(wait=False, cancel_futures=True)
