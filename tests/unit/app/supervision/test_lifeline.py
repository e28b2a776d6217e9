"""What a child does when its parent has ended: real processes of a few lines."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.patience import PATIENCE_SECONDS

Child = subprocess.Popen[str]

WAITS = "import time; print('runs', flush=True); time.sleep(1000)"
HANGS = "print('runs', flush=True)\nwhile True: pass"  # in its own code: no event loop would see anything
IN_ORDER = (
    "import threading; over = threading.Event(); line.take_over(over.set); print('runs', flush=True); over.wait()"
)


@pytest.fixture
def pipe() -> Iterator[tuple[int, list[int]]]:
    """Its end to read from, and the other one while it is open."""
    reading, writing = os.pipe()
    held = [writing]
    yield reading, held
    for fd in (reading, *held):
        os.close(fd)


def started(code: str, lifeline: int, listener: int | None = None) -> Child:
    fds = [lifeline] if listener is None else [lifeline, listener]
    begin = f"from app.supervision.lifeline import Lifeline; line = Lifeline({lifeline}, {listener})\n"
    child = subprocess.Popen(
        [sys.executable, "-c", begin + code], pass_fds=fds, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert child.stdout is not None
    return child


def said(child: Child) -> str:
    assert child.stdout is not None
    return child.stdout.readline()


@pytest.mark.parametrize("code", [WAITS, HANGS])
def test_until_somebody_takes_over_it_ends_at_once(pipe: tuple[int, list[int]], code: str) -> None:
    child = started(code, pipe[0])
    assert said(child) == "runs\n"
    os.close(pipe[1].pop())
    assert child.wait(PATIENCE_SECONDS) == 1
    child.communicate()


def test_a_child_whose_parent_ended_before_does_nothing(pipe: tuple[int, list[int]]) -> None:
    os.close(pipe[1].pop())
    child = started(WAITS, pipe[0])
    assert child.communicate(timeout=PATIENCE_SECONDS)[0] == "" and child.returncode == 1


def test_who_has_taken_over_ends_in_order(pipe: tuple[int, list[int]]) -> None:
    child = started(IN_ORDER, pipe[0])
    assert said(child) == "runs\n"
    os.close(pipe[1].pop())
    assert child.communicate(timeout=PATIENCE_SECONDS)[0] == "" and child.returncode == 0


def test_a_process_that_hangs_listens_no_more(pipe: tuple[int, list[int]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        child = started(f"line.take_over(lambda: None)\n{HANGS}", pipe[0], listener.fileno())
        assert said(child) == "runs\n"
    socket.create_connection(address, PATIENCE_SECONDS).close()  # nobody takes it up, and it is let in
    os.close(pipe[1].pop())
    try:
        while True:
            socket.create_connection(address, PATIENCE_SECONDS).close()
    except ConnectionError:
        pass
    with socket.create_server(address):
        assert child.poll() is None
    child.kill()
    child.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells it on Linux only")
def test_the_kernel_tells_it_too(pipe: tuple[int, list[int]]) -> None:
    """Here somebody else holds the pipe open, so that only the signal is left."""
    code = f"from app.supervision.lifeline import Lifeline; Lifeline({pipe[0]}); {WAITS}"
    parent = (
        f"import subprocess, sys\ncode = {code!r}\n"
        f"child = subprocess.Popen([sys.executable, '-c', code], pass_fds=[{pipe[0]}], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\nprint(child.pid, flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], pass_fds=[pipe[0]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        grandchild = os.pidfd_open(int(said(running)))
        running.send_signal(signal.SIGKILL)
        running.wait(PATIENCE_SECONDS)
        assert select.select([grandchild], [], [], PATIENCE_SECONDS)[0]
        os.close(grandchild)
