"""Threads in which routes wait for something slow, such as the database, without holding up anything else."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from anyio import CapacityLimiter, fail_after, to_thread

from app.errors import AppError, DatabaseUnavailable

T = TypeVar("T")


def database_too_slow() -> AppError:
    """What is answered where nobody got a turn at the database."""
    return DatabaseUnavailable("database_unavailable", "The database is too slow. Repeat the request in a few seconds.")


class ThreadLane:
    """So many threads at once, for which others wait in line; predictions have threads of their own."""

    def __init__(self, threads: int, wait_seconds: float, too_slow: Callable[[], AppError] = database_too_slow) -> None:
        """Nobody waits longer than `wait_seconds` for a turn: then `too_slow` is raised."""
        self._limiter = CapacityLimiter(threads)
        self._wait_seconds = wait_seconds
        self._too_slow = too_slow

    async def ask(self, question: Callable[..., T], *details: Any, **named: Any) -> T:
        """The answer of a function that blocks. What a thread has begun is waited for, however long it takes."""
        try:
            with fail_after(self._wait_seconds):
                return await to_thread.run_sync(partial(question, *details, **named), limiter=self._limiter)
        except TimeoutError:
            raise self._too_slow() from None
