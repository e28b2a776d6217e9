"""What an upload's rows are worth: read one by one, counted, reported."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync

from app.errors import PayloadTooLarge
from models_store import records
from models_store.datasets import formats
from models_store.datasets.clean import CleaningReport, count
from models_store.datasets.rows import Item, Refused, Row
from models_store.specs import InputSpec

MAX_ROWS = 10_000
_AT_ONCE = 2  # each holds a core


class _Stopped(Exception):
    """Nobody waits for the report any more. Never leaves this module."""


def inspect(path: Path, spec: InputSpec, on_row: Callable[[int], None] | None = None) -> CleaningReport:
    """Reads a data set as training will, prepares its pictures for `spec`, and tells what became of each row.

    Raises DataSetRejected where the whole is unusable, and PayloadTooLarge (`too_many_rows`).
    """
    return count(_at_most(MAX_ROWS, formats.read(path)), spec, on_row)


def plain(report: CleaningReport, spec: InputSpec) -> dict[str, Any]:
    """The report as JSON's kinds of values, and as `input` what the pictures were prepared for."""
    return {**records.plain(report), "input": records.plain(spec)}


class Inspections:
    """Reads data sets in threads, two at a time; the others wait without holding anything up."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def report(self, path: Path, spec: Callable[[], InputSpec]) -> dict[str, Any]:
        """The `plain` report of a data set for `spec`, which is asked in the thread. Raises what `inspect` raises.

        When it is cancelled, the thread stops at its next row.
        """
        stop = threading.Event()

        def on_row(_: int) -> None:
            if stop.is_set():
                raise _Stopped

        def read() -> dict[str, Any]:
            wanted = spec()
            return plain(inspect(path, wanted, on_row), wanted)

        async with self._turn:
            try:
                return await run_sync(read, abandon_on_cancel=True)
            finally:
                stop.set()


def _at_most(limit: int, items: Iterator[Item]) -> Iterator[Item]:
    rows = 0
    for item in items:
        rows += isinstance(item, Row | Refused)
        if rows > limit:
            raise PayloadTooLarge("too_many_rows", f"The data set has more than {limit:,} rows. Split it.", "file")
        yield item
