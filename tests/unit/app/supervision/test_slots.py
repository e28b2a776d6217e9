"""Places for processes, held by real ones of a line each."""

import asyncio
import os
import sys
from collections.abc import Callable

from structlog.testing import capture_logs

from app.supervision.slots import Slot, keep
from app.supervision.stop import Stop

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(end='.', flush=True); time.sleep(600)"


def slot(script: str, program: str = sys.executable, fds: tuple[int, ...] = ()) -> Slot:
    return Slot("api", 1, (program, "-c", script), fds, os.environ)


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(6000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never became so")


async def test_a_process_that_ends_is_started_again_ever_later() -> None:
    stop = Stop()
    with capture_logs() as said:
        keeping = asyncio.create_task(keep(slot("raise SystemExit(3)"), stop))
        await until(lambda: [line["event"] for line in said].count("process_ended") == 2)
        stop.asked.set()
        await keeping
    ended = [line for line in said if line["event"] == "process_ended"]
    assert [line["code"] for line in ended] == [3, 3]
    assert 0 < ended[0]["restart_seconds"] < ended[1]["restart_seconds"]


async def test_a_process_that_cannot_be_started_is_tried_again() -> None:
    stop = Stop()
    with capture_logs() as said:
        keeping = asyncio.create_task(keep(slot("", program="/nowhere/python"), stop))
        await until(lambda: len(said) == 2)
        stop.asked.set()
        await keeping
    assert {line["event"] for line in said} == {"process_not_started"}


class Witness:
    """A watcher of a server that has answered as soon as a process has ended."""

    def __init__(self) -> None:
        self.began = False

    def started(self, slot: Slot, pid: int) -> None:
        pass

    def ended(self, slot: Slot, pid: int, code: int) -> None:
        self.began = True


async def test_a_process_is_told_when_it_takes_a_place_in_a_server_that_has_answered() -> None:
    stop = Stop()
    twice = Slot("api", 1, (sys.executable, "-c", "import sys; sys.exit(len(sys.argv))"), (), os.environ, ("--again",))
    with capture_logs() as said:
        keeping = asyncio.create_task(keep(twice, stop, Witness()))
        await until(lambda: [line["event"] for line in said].count("process_ended") == 2)
        stop.asked.set()
        await keeping
    assert [line["code"] for line in said if line["event"] == "process_ended"] == [1, 2]


async def test_when_asked_it_ends_its_process() -> None:
    stop = Stop()
    with capture_logs() as said:
        keeping = asyncio.create_task(keep(slot("import time; time.sleep(600)"), stop))
        await until(lambda: len(said) == 1)
        stop.asked.set()
        await keeping
    assert [line["event"] for line in said] == ["process_started"]


async def test_in_a_hurry_it_kills_one_that_would_not_end() -> None:
    stop = Stop()
    read, write = os.pipe()
    script = f"import os; os.dup2({write}, 1)\n{DEAF}"
    with capture_logs() as said:
        keeping = asyncio.create_task(keep(slot(script, fds=(write,)), stop))
        assert await asyncio.to_thread(os.read, read, 1) == b"."  # it is deaf now
        stop.asked.set()
        await asyncio.sleep(0.01)
        stop.hurried.set()
        await keeping
    os.close(read)
    os.close(write)
    assert [(line["event"], line["log_level"]) for line in said[1:]] == [("process_killed", "info")]


async def test_a_process_leaves_the_group_that_a_terminal_speaks_to_and_not_its_session() -> None:
    stop = Stop()
    with capture_logs() as said:
        keeping = asyncio.create_task(keep(slot("import time; time.sleep(600)"), stop))
        await until(lambda: len(said) == 1)
        assert os.getpgid(said[0]["pid"]) == said[0]["pid"]
        assert os.getsid(said[0]["pid"]) == os.getsid(0)  # in another session `nice` would not count beside this one
        stop.asked.set()
        await keeping
