"""The child itself: it ends with its parent, however that ends."""

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.support.children import DRAWING, LARGE, is_busy, runs
from tests.support.patience import until


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
        await until(lambda: any(map(is_busy, pids)))
        parent.kill()
        parent.wait()
    await until(lambda: not any(map(runs, pids)))
