"""A child's half of its lifeline: a pipe whose other end only its parent has. However the parent ends, the child sees
it, from its first instruction on: not only when it has loaded all that it needs.
"""

import contextlib
import ctypes
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LET_GO_SECONDS = 0.3  # in which a process that serves lets go of the socket by itself
_LAST_SECONDS = 45.0  # for what it has begun; a process that hangs would keep memory, a port or a job for ever
ORPHANED = 1  # exit code


class Lifeline:
    """Watches from a thread of its own. Until somebody takes over, the end of the parent is the end of this process."""

    def __init__(self, fd: int, listener: int | None = None) -> None:
        """`fd` is the pipe's end to read from; `listener` the listening socket that this process was given."""
        self._fd = fd
        self._listener = None if listener is None else socket.socket(fileno=os.dup(listener))
        self._end: Callable[[], None] | None = None
        _tell_at_parents_end()
        if self._is_cut(0):
            os._exit(ORPHANED)
        threading.Thread(target=self._watch, name="lifeline", daemon=True).start()

    def take_over(self, end: Callable[[], None]) -> None:
        """From now on the parent's end calls this, from the thread: it begins to end in order, and has time for it."""
        self._end = end

    def _is_cut(self, seconds: float | None) -> bool:
        return bool(select.select([self._fd], [], [], seconds)[0])  # nobody ever writes: it is readable at its end

    def _watch(self) -> None:
        self._is_cut(None)
        if self._end is None:
            os._exit(ORPHANED)
        self._end()
        time.sleep(_LET_GO_SECONDS)
        if self._listener is not None:
            with contextlib.suppress(OSError):  # for all who still hold it, those that hang too: nobody listens there
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        time.sleep(_LAST_SECONDS)
        os._exit(ORPHANED)


def _tell_at_parents_end() -> None:
    """Where Linux can, by SIGTERM too: an import may keep all threads of Python from running for a second."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
