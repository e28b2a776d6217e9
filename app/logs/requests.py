"""The line of the log that every request gets. It is spelled here where that is all that the log wants: JSON, of an
address that needs no escapes.
"""

import logging
import re
from datetime import UTC, datetime

import structlog

from app.logs.written import Written

_SIMPLE = re.compile(r"[A-Za-z0-9/_.@-]{1,200}")  # as long as `bounds` lets a path be


class RequestLines:
    """Says them to the log as it is configured."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("digitserve.requests")

    def say(self, name: str, method: str, path: str, status: int, seconds: float, *, quiet: bool = False) -> None:
        """One line, for which nobody asks where it is `quiet`."""
        ms = round(1000 * seconds, 1)
        written = None if quiet else _takes_json()
        if written is None or not _SIMPLE.fullmatch(path):
            say = self._log.debug if quiet else self._log.info
            say("request", request_id=name, method=method, path=path, status=status, ms=ms)
            return
        at = datetime.now(UTC).isoformat()[: -len("+00:00")]
        written.soon(
            f'{{"event": "request", "level": "info", "timestamp": "{at}Z", "request_id": "{name}", '
            f'"method": "{method}", "path": "{path}", "status": {status}, "ms": {ms}}}\n'.encode()
        )


def _takes_json() -> Written | None:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, Written) and handler.takes_json:
            return handler
    return None
