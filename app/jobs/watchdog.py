"""Watchdog: tells a training that hangs from one that only gets no processor."""

from collections.abc import Callable

_ASLEEP_FACTOR = 10  # a process that uses no processor at all is given up after so many times the seconds
_ASLEEP_SHARE = 0.01  # less of one core than this is asleep


class Watchdog:
    """A busy machine may leave a nice process a hundredth of its time: what counts is what it did with what it got."""

    def __init__(self, stall_seconds: float, clock: Callable[[], float]) -> None:
        """`stall_seconds` of the processor without progress are too many."""
        self._stall_seconds = stall_seconds
        self._clock = clock
        self._used: float | None = None  # CPU seconds when the last progress was made
        self._since = clock()

    def progress(self) -> None:
        """Something was said."""
        self._used, self._since = None, self._clock()

    def stalled(self, cpu_seconds: float | None) -> bool:
        """Whether it hangs, by what it has used so far; without that number by the clock alone."""
        waited = self._clock() - self._since
        if cpu_seconds is None:
            return waited > _ASLEEP_FACTOR * self._stall_seconds
        if self._used is None:
            self._used = cpu_seconds
        used = cpu_seconds - self._used
        asleep = waited > _ASLEEP_FACTOR * self._stall_seconds and used < _ASLEEP_SHARE * waited
        return used > self._stall_seconds or asleep
