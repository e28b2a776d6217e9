"""What an API process tells its supervisor through a pipe: what it loads, and that it answers. Both ends are here.

A line of JSON for each event; short enough that the kernel never mixes the lines of two processes.
"""

import asyncio
import contextlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import structlog

ANSWERING, FAILED = "answering", "start_failed"
_LOGGERS = ("digitserve.pool", "digitserve.process")
_FACTS = ("event", "level", "version", "candidate", "model", "why", "seconds", "pid")
_LONGEST_WHY = 500  # characters, of up to six bytes: a pipe takes 4096 bytes as one
_SAME_SECONDS = 60.0  # what one process says so long after another is the same event, said once

_log = structlog.get_logger("digitserve.supervisor")


def report(fd: int, *, only: bool) -> None:
    """In an API process: from now on what its pool says goes to the supervisor too, or `only` there.

    A traceback is too long for that: it is logged here as ever.
    """
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.addHandler(_Reporting(fd))
        if not logger.isEnabledFor(logging.INFO):  # readiness is told at every level; the log keeps to its own
            logger.setLevel(logging.INFO)
    if only:
        for handler in logging.getLogger().handlers:
            handler.addFilter(lambda record: record.name not in _LOGGERS or _has_traceback(record))


class _Reporting(logging.Handler):
    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, dict) and not _has_traceback(record):
            facts = {name: record.msg[name] for name in _FACTS if name in record.msg}
            if "why" in facts:
                facts["why"] = str(facts["why"])[:_LONGEST_WHY]
            with contextlib.suppress(OSError):  # the supervisor is gone: so are we, in a moment
                os.write(self._fd, json.dumps(facts).encode() + b"\n")


def _has_traceback(record: logging.LogRecord) -> bool:
    return bool(record.exc_info) or (isinstance(record.msg, dict) and bool(record.msg.get("exc_info")))


@contextlib.contextmanager
def reading(fd: int, tell: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """In the supervisor: `tell` is called with every event, until the end of the block."""
    rest = b""

    def read() -> None:
        nonlocal rest
        *lines, rest = (rest + os.read(fd, 65_536)).split(b"\n")
        for line in lines:
            tell(json.loads(line))

    loop = asyncio.get_running_loop()
    loop.add_reader(fd, read)
    try:
        yield
    finally:
        loop.remove_reader(fd)


class Readiness:
    """Says `listening` when the first API process answers; and, where `aloud`, once what all of them say."""

    def __init__(
        self, place: Mapping[str, object], *, aloud: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`place` is what `listening` says of the server: its url, its processes."""
        self._place = place
        self._aloud = aloud
        self._clock = clock
        self._first: dict[str, object] = {"ready": False}
        self._listening = False
        self._heard: dict[object, float] = {}

    def tell(self, facts: dict[str, Any]) -> None:
        """Hears one event of one process."""
        event, level = facts.pop("event"), facts.pop("level", "info")
        if event == FAILED:  # the last word of the command
            return
        if self._listening:
            self._repeat(event, level, facts)
        elif event == ANSWERING:
            self._listening = True
            _log.info("listening", **self._place, **self._first)
        elif event == "ready":
            self._first = {"ready": True, **facts}
        else:
            if event == "not_ready":
                self._first = {"ready": False, "why": facts.get("why")}
            self._repeat(event, level, facts)

    def _repeat(self, event: str, level: str, facts: dict[str, Any]) -> None:
        what = facts.get("why") or (event, facts.get("version"))
        now = self._clock()
        is_new = now - self._heard.get(what, -_SAME_SECONDS) >= _SAME_SECONDS
        self._heard[what] = now
        told_later = ("ready", ANSWERING) if self._listening else ("ready", ANSWERING, "version_loaded")
        if is_new and self._aloud and event not in told_later:
            getattr(_log, level)(event, **facts)
