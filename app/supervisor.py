"""serve: a listening socket, the processes that answer on it and those that run jobs, restarted where they end. It
loads no model.

serve ─┬ API process 1    each `digitserve serve --fd N`, which a person may start by hand too
       ├ API process 2
       └ worker           `digitserve worker`; what it trains is a process of its own below it
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import structlog

from app import logs
from app.errors import CannotListen
from app.settings import Settings
from app.web.drain_responder import declining
from models_store.machine import cores, gpus

_STOP_SECONDS = 30  # a process that has not ended by then is killed
_HEALTHY_SECONDS = 10.0  # a process that lived this long is restarted at once
_LONGEST_PAUSE = 10.0  # seconds between restarts of one that keeps ending
_SMALL_HEAP = {  # glibc's defaults take 10 MiB more for their heaps, and keep up to 80 MiB of pictures that were freed
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**20),
    "MALLOC_TRIM_THRESHOLD_": str(2**21),
}

_log = structlog.get_logger("digitserve.supervisor")


def serve(settings: Settings) -> None:
    """Answers until SIGTERM or SIGINT. Raises CannotListen before anything is started."""
    logs.configure(settings.log_format, settings.log_level)
    signal.signal(signal.SIGTERM, _leave)  # until the loop below has its own handler
    with _listener(settings.host, settings.port) as listener:
        cards = gpus() if settings.device != "cpu" else 0
        workers = settings.workers or cards or cores()  # a process per card where there are any
        _log.info("listening", url=_url(listener), workers=workers, gpus=cards)
        asyncio.run(_supervise(listener, workers, cards, settings.job_workers))
    _log.info("stopped")


def _leave(*_: object) -> NoReturn:
    raise SystemExit(0)


async def _supervise(listener: socket.socket, workers: int, cards: int, jobs: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    lifeline, held = os.pipe()  # `held` is ours alone: however this process ends, the children see the pipe end
    try:
        fds = listener.fileno(), lifeline
        program = (sys.executable, "-m", "app")
        command: tuple[str, ...] = (*program, "serve", "--fd", str(fds[0]), "--lifeline", str(fds[1]))
        slots = [
            _Slot("api", number, command, fds, environment(os.environ, number, cards))
            for number in range(1, workers + 1)
        ]
        command = (*program, "worker", "--beside", "--lifeline", str(fds[1]))
        slots += [_Slot("worker", number, command, fds[1:], dict(os.environ)) for number in range(1, jobs + 1)]
        keepers = [asyncio.create_task(_keep(slot, stop)) for slot in slots]
        await stop.wait()
        async with declining(listener):
            await asyncio.gather(*keepers)
    finally:
        os.close(lifeline)
        os.close(held)


def environment(ours: Mapping[str, str], number: int, cards: int) -> dict[str, str]:
    """What process `number` (from 1) is started with: one card each, in turn, and a glibc that holds on to little
    memory; unless the operator has chosen otherwise."""
    card = {"CUDA_VISIBLE_DEVICES": str((number - 1) % cards)} if cards else {}
    return {**_SMALL_HEAP, **card, **ours}


@dataclass(frozen=True)
class _Slot:
    """A place that always holds one process."""

    role: str
    number: int
    command: Sequence[str]
    fds: tuple[int, ...]
    environment: Mapping[str, str]


async def _keep(slot: _Slot, stop: asyncio.Event) -> None:
    """Starts the slot's process, and again whenever it ends: at once, then ever later while it keeps ending."""
    pause = 0.0
    while not stop.is_set():
        began = time.monotonic()
        try:
            process = await asyncio.create_subprocess_exec(*slot.command, pass_fds=slot.fds, env=slot.environment)
        except OSError as error:  # no memory, no process to be had: for now
            pause = min(_LONGEST_PAUSE, 2 * pause + 0.25)
            _log.error("process_not_started", role=slot.role, slot=slot.number, why=error.strerror, retry_seconds=pause)
            await _first(asyncio.sleep(pause), stop.wait())
            continue
        _log.info("process_started", role=slot.role, slot=slot.number, pid=process.pid)
        await _first(process.wait(), stop.wait())
        if process.returncode is None:
            await _end(process)
            return
        healthy = time.monotonic() - began > _HEALTHY_SECONDS
        pause = 0.0 if healthy else min(_LONGEST_PAUSE, 2 * pause + 0.25)
        facts = {"role": slot.role, "slot": slot.number, "pid": process.pid, "code": process.returncode}
        _log.error("process_ended", **facts, restart_seconds=pause)
        await _first(asyncio.sleep(pause), stop.wait())


async def _first(*waits: Awaitable[object]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        _log.error("process_killed", pid=process.pid)
        process.kill()
        await process.wait()


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _listener(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        raise CannotListen(
            f"Cannot listen on {host}:{port} ({error.strerror}). Stop what runs there or choose another --port."
        ) from None
    return listener
