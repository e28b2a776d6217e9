"""Lines to standard output, which may be a full disk, or a pipe whose reader has gone: then they are lost, and nothing
else is.
"""

import asyncio
import contextlib
import logging
import os
import sys
from collections import deque
from typing import TextIO

LOST = '{"event": "line_lost", "level": "error"}'
_TOGETHER = 4096  # bytes that a pipe takes whole, so that no other process's line gets between (pipe(7), PIPE_BUF)


class Written(logging.Handler):
    """Writes each line at once, or lines that come ready spelled, of one turn of the event loop, together. Nothing
    else stays in a buffer, whose end would be this process's.
    """

    def __init__(self, stream: TextIO, *, takes_json: bool = False) -> None:
        """`takes_json` says whether what comes ready spelled is JSON."""
        super().__init__()
        self.takes_json = takes_json
        self._stream = stream
        self._handle = stream.fileno() if stream is sys.__stdout__ else None  # tests have others
        self._broken = False  # the last line did not come to its end
        self._spelled: deque[bytes] = deque()

    def emit(self, record: logging.LogRecord) -> None:
        """Raises nothing."""
        try:
            line = self.format(record)
        except Exception:  # a fact that can't be spelled
            line = LOST
        self._write_spelled()
        self._write(f"{line}\n".encode(errors="backslashreplace"))

    def soon(self, line: bytes) -> None:
        """Writes a line that is spelled, end and all, when the event loop's turn is over. Raises nothing."""
        if not self._spelled:
            asyncio.get_running_loop().call_soon(self.flush)
        self._spelled.append(line)

    def flush(self) -> None:
        """Writes what waits."""
        with self.lock or contextlib.nullcontext():
            self._write_spelled()

    def _write_spelled(self) -> None:
        lines: list[bytes] = []
        size = 0
        while self._spelled:
            line = self._spelled.popleft()
            if size + len(line) > _TOGETHER:
                self._write(b"".join(lines))
                lines, size = [], 0
            lines.append(line)
            size += len(line)
        if lines:
            self._write(b"".join(lines))

    def _write(self, lines: bytes) -> None:
        if self._handle is None:
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(lines.decode())
                self._stream.flush()
            return
        left = memoryview(b"\n" + lines if self._broken else lines)
        try:
            while left:
                written = os.write(self._handle, left)
                self._broken = written < len(left)
                left = left[written:]
        except OSError:
            return
