"""When a process writes on its board: a few times a second, and at its end."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator

from app.telemetry.overview import Overview

_SECONDS = 0.25


@contextlib.asynccontextmanager
async def writing(overview: Overview) -> AsyncIterator[None]:
    """On the event loop, until the end of the block."""
    task = asyncio.create_task(_again_and_again(overview))
    try:
        yield
    finally:
        task.cancel()
        overview.write()


async def _again_and_again(overview: Overview) -> None:
    while True:
        overview.write()
        await asyncio.sleep(_SECONDS)


@contextlib.contextmanager
def writing_in_a_thread(overview: Overview) -> Iterator[None]:
    """For a process without an event loop, until the end of the block."""
    over = threading.Event()

    def again_and_again() -> None:
        while not over.wait(_SECONDS):
            overview.write()

    thread = threading.Thread(target=again_and_again, name="measures", daemon=True)
    overview.write()
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        overview.write()
