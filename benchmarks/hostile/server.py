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
from benchmarks.processes import descriptors, resident, tree

_DESCRIPTORS = 1024  # the soft limit of systemd and of most shells
_START_SECONDS, _STOP_SECONDS, _LOOK_SECONDS = 120.0, 20.0, 0.2
_TICKS = os.sysconf("SC_CLK_TCK")


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


def busy_cores() -> float:
    """Core seconds that this machine has been busy for, whoever with (proc(5): all but idle and iowait)."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / _TICKS


def cpu(supervisor: int) -> float:
    """Seconds of CPU that a server's processes have used so far, with those that have ended."""
    together = 0
    for pid in tree(supervisor):
        with contextlib.suppress(OSError):
            together += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:15]))
    return together / _TICKS


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
