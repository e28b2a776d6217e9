"""Waits for what must happen, however busy the machine is: it gives up where nothing has changed for very long.

No test asserts time by it. What a test says of time it says of a clock that it holds, or of the order of events.
"""

import asyncio
import inspect
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 300.0  # in which nothing at all happens: no machine is so busy
_FIRST_SECONDS, _LONGEST_SECONDS = 0.001, 0.05  # between two looks, the first ones soon


class Patience:
    """Between two looks at something. Fails when so many seconds have brought no change of `progress`."""

    def __init__(
        self,
        what: str,
        progress: Callable[[], object] | None = None,
        seconds: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`progress` is what changes as long as it goes on: lines of a log, epochs, seconds of the processor. It is
        looked at rarely, and its last value stands in the failure."""
        self._what = what
        self._progress = progress or (lambda: None)
        self._seconds = seconds
        self._clock = clock
        self._last = self._progress()
        self._end = clock() + seconds
        self._pause = _FIRST_SECONDS

    def pause(self) -> float:
        """How long to sleep until the next look. Raises AssertionError."""
        if self._clock() >= self._end:
            now = self._progress()
            if now == self._last:
                raise AssertionError(f"Waited {self._seconds:g} s without any change for: {self._what}\nLast: {now}")
            self._last, self._end = now, self._clock() + self._seconds
        pause, self._pause = self._pause, min(1.5 * self._pause, _LONGEST_SECONDS)
        return pause


def wait_until(
    condition: Callable[[], T | None], progress: Callable[[], object] | None = None, seconds: float = PATIENCE_SECONDS
) -> T:
    """What it gives as soon as that is anything."""
    patience = Patience(_words(condition), progress, seconds)
    while not (found := condition()):
        time.sleep(patience.pause())
    return found


async def until(
    condition: Callable[[], T | None], progress: Callable[[], object] | None = None, seconds: float = PATIENCE_SECONDS
) -> T:
    """The same where the event loop goes on meanwhile."""
    patience = Patience(_words(condition), progress, seconds)
    while not (found := condition()):
        await asyncio.sleep(patience.pause())
    return found


def in_spite_of(refusal: type[Exception], call: Callable[[], T]) -> T:
    """What it gives when it is no longer refused: a wait of production's may be too short on a busy machine."""
    patience = Patience(_words(call))
    while True:
        try:
            return call()
        except refusal:
            time.sleep(patience.pause())


def worked(pid: int) -> int:
    """Progress of a process that computes: tens of seconds of the processor, its children's with it. One that only
    waits and looks again does not come so far."""
    seconds, children = 0.0, [pid]
    while children:
        folder = Path(f"/proc/{children.pop()}")
        try:
            facts = (folder / "stat").read_text().rpartition(")")[2].split()
            for task in folder.glob("task/*/children"):
                children += map(int, task.read_text().split())
        except OSError:  # it has just ended
            continue
        seconds += sum(map(int, facts[11:15])) / os.sysconf(
            "SC_CLK_TCK"
        )  # proc(5): utime, stime, and of those waited for
    return int(seconds / 10)


def _words(condition: Callable[[], object]) -> str:
    """The condition as it stands in the test."""
    try:
        return " ".join(inspect.getsource(condition).split())
    except (OSError, TypeError):
        return repr(condition)
