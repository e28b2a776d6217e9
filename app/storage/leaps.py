"""Leaps: notices that the database's clock was set, or that this machine slept, by a clock that nobody sets."""

import math
import time
from collections.abc import Callable

_LEAST_SECONDS = 1.0  # what a busy database takes to say its time looks like a leap too, and is none
_DOUBT_SECONDS = 3.0  # every worker says that it lives once a second


class Leaps:
    """After a leap forward all leases seem to be over, those of workers that live too: for a moment nobody's is."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds, and is never set."""
        self._clock = clock
        self._apart: float | None = None  # the database's time less the clock's
        self._doubted_until = -math.inf
        self.count = 0  # of those noticed, in either direction

    def look(self, now: float) -> bool:
        """Takes the database's time in Unix seconds; whether leases that are over by it are over."""
        seconds = self._clock()
        leapt = 0.0 if self._apart is None else now - seconds - self._apart
        self._apart = now - seconds
        if abs(leapt) > _LEAST_SECONDS:
            self.count += 1
        if leapt > _LEAST_SECONDS:
            self._doubted_until = seconds + _DOUBT_SECONDS
        return seconds >= self._doubted_until
