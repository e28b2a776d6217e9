"""Leaps: notices that the database's clock was set, or that this machine slept, by a clock that nobody sets."""

import math
import time
from collections.abc import Callable

_LEAST_SECONDS = 1.0  # a clock that is led to the right time goes at most a two-thousandth faster
_DOUBT_SECONDS = 3.0  # every worker says that it lives once a second


class Leaps:
    """After a leap forward all leases seem to be over, those of workers that live too: for a moment nobody's is.

    What the database says is some moment's between the question and the answer. Only what no such moment explains is a
    leap: a database that answers slowly, now and then or always, puts off nothing.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds, and is never set."""
        self._clock = clock
        self._least, self._most = -math.inf, math.inf  # that the database's time may have been ahead of the clock's
        self._doubted_until = -math.inf
        self.count = 0  # of those noticed, in either direction

    def look(self, ask: Callable[[], float]) -> bool:
        """Asks for the database's time in Unix seconds; whether leases that are over by it are over."""
        before = self._clock()
        now = ask()
        after = self._clock()
        least, most = now - after, now - before
        forward, back = least - self._most, self._least - most
        self._least, self._most = least, most
        if max(forward, back) > _LEAST_SECONDS:
            self.count += 1
        if forward > _LEAST_SECONDS:
            self._doubted_until = after + _DOUBT_SECONDS
        return after >= self._doubted_until
