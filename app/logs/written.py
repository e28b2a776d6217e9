"""Lines to standard output, which may be a full disk, or a pipe whose reader has gone: then they are lost, and nothing
else is.
"""

import contextlib
import logging
import os
import sys
from typing import TextIO

LOST = '{"event": "line_lost", "level": "error"}'


class Written(logging.Handler):
    """Writes each line at once. Nothing stays in a buffer, whose end would be this process's."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._handle = stream.fileno() if stream is sys.__stdout__ else None  # tests have others
        self._broken = False  # the last line did not come to its end

    def emit(self, record: logging.LogRecord) -> None:
        """Raises nothing."""
        try:
            line = self.format(record)
        except Exception:  # a fact that can't be spelled
            line = LOST
        if self._handle is None:
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(f"{line}\n")
                self._stream.flush()
            return
        start = "\n" if self._broken else ""
        left = memoryview(f"{start}{line}\n".encode(errors="backslashreplace"))
        try:
            while left:
                written = os.write(self._handle, left)
                self._broken = written < len(left)
                left = left[written:]
        except OSError:
            return
