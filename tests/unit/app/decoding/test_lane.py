"""A lane: who hangs up leaves no work behind."""

import asyncio
import os
import signal
from contextlib import closing

from app.decoding.decoder import Decoder
from tests.support import patience
from tests.support.children import LARGE, SPEC, code, is_there


async def test_whoever_hangs_up_leaves_no_work_behind() -> None:
    with closing(Decoder(cpu_seconds=600)) as decoder:
        await decoder.read([LARGE], SPEC)
        (pid,) = decoder.pids
        os.kill(pid, signal.SIGSTOP)  # it would never end
        going = asyncio.create_task(decoder.read([LARGE] * 4, SPEC, "gone"))
        waiting = asyncio.create_task(decoder.read([LARGE], SPEC, "gone too"))
        await patience.until(lambda: decoder.waiting == {"small": 0, "medium": 0, "large": 1})
        for work in (going, waiting):
            work.cancel()
        assert [code(one) for one in await decoder.read([LARGE], SPEC, "another")] == [""]
        assert not is_there(pid)
