"""A lane: who hangs up leaves no work behind."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from app.decoding.decoder import Decoder
from models_store.errors import ImageRejected
from models_store.specs import InputSpec
from tests.support.patience import PATIENCE_SECONDS
from tests.support.pictures import encoded, png

SPEC = InputSpec()
DRAWN = np.full((120, 100), 250, np.uint8)
DRAWN[30:90, 40:52] = 10  # a one, dark on light
DRAWING = png(DRAWN)
SIDE = 3200
LARGE = encoded(np.full((SIDE, SIDE, 3), 240, np.uint8), "WEBP", method=0)  # some tenths of a second of CPU


def code(found: object) -> str:
    return found.code if isinstance(found, ImageRejected) else ""


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():
            await asyncio.sleep(0.01)


def is_there(pid: int) -> bool:
    """Whether a process runs, or is a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _is_busy(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "R"


def _runs(pid: int) -> bool:
    """Whether it does; whoever adopts it may take a while to reap it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_whoever_hangs_up_leaves_no_work_behind() -> None:
    with closing(Decoder(cpu_seconds=600)) as decoder:
        await decoder.read([LARGE], SPEC)
        (pid,) = decoder.pids
        os.kill(pid, signal.SIGSTOP)  # it would never end
        going = asyncio.create_task(decoder.read([LARGE] * 4, SPEC, "gone"))
        waiting = asyncio.create_task(decoder.read([LARGE], SPEC, "gone too"))
        await asyncio.sleep(0.05)
        for work in (going, waiting):
            work.cancel()
        assert [code(one) for one in await decoder.read([LARGE], SPEC, "another")] == [""]
        assert not is_there(pid)
