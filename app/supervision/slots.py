"""Places that always hold one process each: started, started again when it ends, and ended with the server."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from app.supervision.stop import Stop

_STOP_SECONDS = 30  # a process that has not ended by then is killed
_HEALTHY_SECONDS = 10.0  # a process that lived this long is restarted at once
_LONGEST_PAUSE = 10.0  # seconds between restarts of one that keeps ending
_SMALL_HEAP = {  # glibc's defaults take 10 MiB more for their heaps, and keep up to 80 MiB of pictures that were freed
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**20),
    "MALLOC_TRIM_THRESHOLD_": str(2**21),
}

_log = structlog.get_logger("digitserve.supervisor")


@dataclass(frozen=True)
class Slot:
    """A place that always holds one process."""

    role: str
    number: int
    command: Sequence[str]
    fds: tuple[int, ...]
    environment: Mapping[str, str]
    again: Sequence[str] = ()  # added to the command as soon as the server has answered once


def environment(ours: Mapping[str, str], number: int, cards: int) -> dict[str, str]:
    """What API process `number` (from 1) is started with: one card each, in turn, and a glibc that holds on to little
    memory; unless the operator has chosen otherwise."""
    card = {"CUDA_VISIBLE_DEVICES": str((number - 1) % cards)} if cards else {}
    return {**_SMALL_HEAP, **card, **ours}


class Watcher(Protocol):
    """Whoever wants to know what becomes of the processes."""

    @property
    def began(self) -> bool:
        """Whether the server has answered at any time."""

    def started(self, slot: Slot, pid: int) -> None:
        """One was started."""

    def ended(self, slot: Slot, pid: int, code: int) -> None:
        """One has ended, though nobody asked; `code` as subprocess says it (-9: by SIGKILL)."""


async def keep(slot: Slot, stop: Stop, watcher: Watcher | None = None) -> None:
    """Starts the slot's process, and again whenever it ends: at once, then ever later while it keeps ending."""
    pause = 0.0
    while not stop.asked.is_set():
        began = time.monotonic()
        command = (*slot.command, *slot.again) if watcher and watcher.began else slot.command
        try:
            process = await _started(slot, command)
        except OSError as error:  # no memory, no process to be had: for now
            pause = min(_LONGEST_PAUSE, 2 * pause + 0.25)
            _log.error("process_not_started", role=slot.role, slot=slot.number, why=error.strerror, retry_seconds=pause)
            await _first(asyncio.sleep(pause), stop.asked.wait())
            continue
        _log.info("process_started", role=slot.role, slot=slot.number, pid=process.pid)
        if watcher:
            watcher.started(slot, process.pid)
        await _first(process.wait(), stop.asked.wait())
        if process.returncode is None:
            await _end(process, stop)
            return
        healthy = time.monotonic() - began > _HEALTHY_SECONDS
        pause = 0.0 if healthy else min(_LONGEST_PAUSE, 2 * pause + 0.25)
        facts = {"role": slot.role, "slot": slot.number, "pid": process.pid, "code": process.returncode}
        _log.error("process_ended", **facts, restart_seconds=pause)
        if watcher:
            watcher.ended(slot, process.pid, process.returncode)
        await _first(asyncio.sleep(pause), stop.asked.wait())


async def _started(slot: Slot, command: Sequence[str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command,
        pass_fds=slot.fds,
        env=slot.environment,
        # A Ctrl-C in the terminal is ours to handle: it would break a process that just starts. In a session of its own
        # it would not hear it either, but Linux groups by session (autogroup): who is nice in one counts in no other.
        process_group=0,
    )


async def _first(*waits: Awaitable[object]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


async def _end(process: asyncio.subprocess.Process, stop: Stop) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    await _first(process.wait(), asyncio.sleep(_STOP_SECONDS), stop.hurried.wait())
    if process.returncode is None:
        say = _log.info if stop.hurried.is_set() else _log.error
        say("process_killed", pid=process.pid)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
