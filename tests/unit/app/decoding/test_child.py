"""The child itself: it ends with its parent, however that ends."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

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


async def test_children_end_with_a_process_that_is_killed(tmp_path: Path) -> None:
    """Those that wait and those that work: theirs is no parent that could tell them."""
    picture = tmp_path / "picture"
    picture.write_bytes(LARGE)
    program = (
        "import asyncio, pathlib, sys, time\n"
        "from app.decoding.decoder import Decoder\n"
        "from models_store.specs import InputSpec\n"
        "async def main():\n"
        "    decoder, image = Decoder(cpu_seconds=600), pathlib.Path(sys.argv[1]).read_bytes()\n"
        f"    await decoder.read([{DRAWING!r}, image], InputSpec())\n"
        "    print(*decoder.pids, flush=True)\n"
        "    while True:\n"
        "        await decoder.read([image], InputSpec())\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(picture)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in (await asyncio.to_thread(parent.stdout.readline)).split()]
        assert len(pids) == 2
        await until(lambda: any(map(_is_busy, pids)))
        parent.kill()
        parent.wait()
    await until(lambda: not any(map(_runs, pids)))
