"""A problem that comes again and again is said a few times, and then counted: nobody fills a disk with it."""

import logging
import sys
import threading
import time
from collections.abc import Callable

_SAID = 20  # times in each of these
_SECONDS = 10.0
_KINDS = 256  # that are told apart


class Often(logging.Filter):
    """Lets warnings and errors of one kind through for a while, then the first of each new while, with the number of
    those that were not said."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str, str], tuple[float, int]] = {}  # since when, and how often

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to say it."""
        if record.levelno < logging.WARNING:
            return True
        event = record.msg.get("event") if isinstance(record.msg, dict) else record.msg
        kind, now = (record.name, str(event)[:200], _place(record)), self._clock()
        with self._lock:
            since, count = self._seen.get(kind, (now, 0))
            unsaid = 0
            if now - since >= _SECONDS:
                since, count, unsaid = now, 0, max(0, count - _SAID)
            if kind not in self._seen and len(self._seen) >= _KINDS:
                self._seen.clear()
            self._seen[kind] = since, count + 1
        if unsaid:
            _add(record, unsaid)
        return count < _SAID


def _place(record: logging.LogRecord) -> str:
    """Which error it was, and where: what broke in two places is two kinds."""
    raised = record.msg.get("exc_info") if isinstance(record.msg, dict) else record.exc_info
    error = sys.exc_info()[1] if raised is True else raised[1] if isinstance(raised, tuple) else raised
    if not isinstance(error, BaseException):
        return ""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    line = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__qualname__} {line}"


def _add(record: logging.LogRecord, unsaid: int) -> None:
    if isinstance(record.msg, dict):
        record.msg["not_said"] = unsaid
    else:
        record.msg, record.args = f"{record.getMessage()} ({unsaid} more like it were not said)", None
