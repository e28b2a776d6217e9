"""What the system says of this process, where there is Linux's /proc."""

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from app.telemetry.instruments import Labels
from app.telemetry.measures import Measures

_PAGE = os.sysconf("SC_PAGE_SIZE")


def gauges(measures: Measures) -> None:
    """Any process has them; it counts as started now."""
    started_at = time.time()
    measures.started_at.read = lambda: {(): started_at}
    measures.memory_bytes.read = _where_there_is(memory_bytes)
    measures.open_files.read = _where_there_is(open_files)


def memory_bytes() -> int:
    """Resident. Raises OSError."""
    return int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE


def open_files() -> int:
    """Raises OSError."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _where_there_is(look: Callable[[], int]) -> Callable[[], Mapping[Labels, float]]:
    def read() -> Mapping[Labels, float]:
        with contextlib.suppress(OSError):
            return {(): look()}
        return {}

    return read
