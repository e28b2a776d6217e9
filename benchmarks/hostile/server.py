"""The server under attack, out of any checkout, with the descriptors that a service has by default; and what it takes
of the machine, looked up in /proc five times a second.
"""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks import load
from benchmarks.hostile.wire import Address

_DESCRIPTORS = 1024  # the soft limit of systemd and of most shells
_START_SECONDS, _STOP_SECONDS, _LOOK_SECONDS = 120.0, 20.0, 0.2
_PAGE = os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def serving(checkout: Path, place: Path) -> Iterator[tuple[Address, int]]:
    """Its address and its supervisor's process id, once all processes are up. State and store lie in `place`."""
    port = load.free_port()
    environment = {
        **os.environ,
        "DIGITSERVE_STORE_DIR": str(place / "store"),
        "DIGITSERVE_STATE_DIR": str(place / "state"),
    }
    with (place / "log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", str(port)],
            cwd=checkout, env=environment, stdout=log, stderr=log, preexec_fn=_few_descriptors,
        )  # fmt: skip
    try:
        _wait(f"http://127.0.0.1:{port}/readyz", child)
        yield ("127.0.0.1", port), child.pid
    finally:
        _end(child)


def _few_descriptors() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_DESCRIPTORS, most), most))


def _wait(url: str, child: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and child.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            time.sleep(3)  # the other processes start as well
            return
        time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


def _end(child: "subprocess.Popen[bytes]") -> None:
    """As an operator does; what is still busy after a while is killed, with all that it started."""
    child.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_STOP_SECONDS)
    for pid in tree(child.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    child.wait()


def tree(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def resident(pid: int) -> int:
    """Bytes of memory that a process holds; 0 where it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def descriptors(pid: int) -> int:
    """How many files and sockets a process has open; 0 where it has ended."""
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0


class Watch(threading.Thread):
    """The most that a server's processes hold, from `start` to `stop`. One that came later counts from nothing."""

    def __init__(self, supervisor: int) -> None:
        super().__init__(daemon=True)
        self.growth = 0  # bytes, of the process that grew most
        self.together = 0  # bytes, all processes
        self.descriptors = 0  # of the process with the most
        self.processes = 0
        self._supervisor = supervisor
        self._base = {pid: resident(pid) for pid in tree(supervisor)}
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            sizes = {pid: resident(pid) for pid in tree(self._supervisor)}
            self.growth = max([self.growth, *(size - self._base.get(pid, 0) for pid, size in sizes.items())])
            self.together = max(self.together, sum(sizes.values()))
            self.descriptors = max([self.descriptors, *map(descriptors, sizes)])
            self.processes = max(self.processes, len(sizes))

    def stop(self) -> None:
        """Looks no more."""
        self._ended.set()
        self.join()
