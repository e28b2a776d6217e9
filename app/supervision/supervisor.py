"""serve: a listening socket, the processes that answer on it and those that run jobs, restarted where they end. It
loads no model.

serve ─┬ API process 1    each `digitserve serve --fd N`, which a person may start by hand too
       ├ API process 2
       └ worker           `digitserve worker`; what it trains is a process of its own below it
"""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version as package_version
from typing import Any

import structlog

from app.errors import CannotStart
from app.logs import output
from app.settings import Settings
from app.supervision.address import listening_socket, url
from app.supervision.answering import Answering
from app.supervision.counting import Counting, counting
from app.supervision.preflight import check
from app.supervision.readiness import Readiness, reading
from app.supervision.slots import Slot, environment, keep
from app.supervision.stop import Stop
from app.supervision.watch.drifting import drift_watch
from app.telemetry import machine, pulse
from app.telemetry.measures import Measures
from app.telemetry.overview import Overview
from app.web.stand_in import ENDING, STARTING, StandIn
from models_store.machine import cores, gpus

_PROGRAM = (sys.executable, "-m", "app")

_log = structlog.get_logger("digitserve.supervisor")


def serve(settings: Settings) -> None:
    """Answers until SIGTERM or SIGINT. Raises CannotStart where no process could ever answer, and CannotListen, both
    before anything is started; CannotStart also where none of the first ones does.
    """
    log_format = output.chosen(settings.log_format)
    output.configure(log_format, settings.log_level)
    stop, failure = Stop(), None
    with contextlib.suppress(SystemExit):  # a signal before the loop below runs
        stop.install()
        _log.info("starting", version=package_version("digitserve"))
        check(settings)
        with listening_socket(settings.host, settings.port) as listener:
            stop.hold()
            failure = asyncio.run(_supervise(listener, settings, log_format, stop))
    stop.end()
    _log.info("stopped")
    if failure is not None:
        raise CannotStart(failure)


async def _supervise(listener: socket.socket, settings: Settings, log_format: str, stop: Stop) -> str | None:
    """Until it is stopped: None. Otherwise why no process could answer."""
    stop.attach()
    cards = gpus() if settings.device != "cpu" else 0
    workers = settings.workers or cards or cores()  # a process per card where there are any
    # Of the lifeline only we hold the other end: however this process ends, the children see the pipe end.
    with _pipe() as (lifeline, _), _pipe() as (told, ready), counting(settings, workers) as counts:
        os.set_blocking(ready, False)  # where we are stopped by Ctrl-Z, who answers goes on
        fds = listener.fileno(), lifeline, ready
        ours = _environment(settings, log_format)
        slots = [
            *_api_slots(workers, cards, fds, ours, counts),
            *_worker_slots(settings.job_workers, lifeline, ours, counts),
        ]
        place = {"url": url(listener), "workers": workers, "gpus": cards}
        readiness = Readiness(place, aloud=log_format == "words")
        measures = Measures()
        machine.gauges(measures)
        stand_in = StandIn(listener, measures=measures)
        stand_in.answer(STARTING)
        answering = Answering(workers, stand_in, stop.asked.set)

        def tell(facts: dict[str, Any]) -> None:
            if not stop.asked.is_set():
                answering.told(facts)
                readiness.tell(facts)

        overview = Overview(measures, counts.board)
        with reading(told, tell):
            watcher = counts.watching(answering)
            processes = [asyncio.create_task(keep(slot, stop, watcher)) for slot in slots]
            drift = asyncio.create_task(drift_watch(counts.board, settings.state_dir).run())
            async with pulse.writing(overview):
                await stop.asked.wait()
            drift.cancel()
            _log.info("stopping")
            stand_in.answer(ENDING)
            await asyncio.gather(*processes)
            await stand_in.close()
    return answering.failure()


def _environment(settings: Settings, log_format: str) -> dict[str, str]:
    """What children are started with: our own, and the settings as they were read and typed, by their names alone."""
    told = {**settings.variables(), "DIGITSERVE_LOG_FORMAT": log_format}
    return {name: text for name, text in os.environ.items() if name.upper() not in told} | told


def _api_slots(
    count: int, cards: int, fds: tuple[int, int, int], ours: Mapping[str, str], counts: Counting
) -> Iterator[Slot]:
    names = ("--fd", "--lifeline", "--ready")
    options = [word for name, fd in zip(names, fds, strict=True) for word in (name, str(fd))]
    for number in range(1, count + 1):
        command = (*_PROGRAM, "serve", *options, *counts.options(number))
        yield Slot("api", number, command, (*fds, *counts.fds), environment(ours, number, cards), again=("--again",))


def _worker_slots(count: int, lifeline: int, ours: Mapping[str, str], counts: Counting) -> Iterator[Slot]:
    command = (*_PROGRAM, "worker", "--beside", "--lifeline", str(lifeline))
    for number in range(1, count + 1):
        told = *command, *counts.worker_options(number)
        yield Slot("worker", number, told, (lifeline, *counts.worker_fds), ours)


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    """Its end to read from, and its end to write to."""
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)
