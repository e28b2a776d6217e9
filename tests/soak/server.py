"""The real service on a folder of its own: started, killed, started again, and every process of it found by the mark in
its environment.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.load import free_port
from tests.conftest import ROOT
from tests.support.patience import PATIENCE_SECONDS, wait_until

LEASE_SECONDS = 3.0
_MARK = "SOAK_OF_DIGITSERVE"
_DECODER = b"app.decoding.child"  # it is told its parent, and nothing of the environment but what it needs
_STOP_SECONDS = 60.0  # it gives requests 30 to be answered
_GONE_SECONDS = 30.0
_NOWHERE = "/dev/null/data"  # MNIST is missing, and nothing is downloaded


@dataclass(frozen=True)
class Process:
    """One process of the service. Roles: supervisor, api, worker, training, decoder."""

    pid: int
    role: str

    def send(self, number: signal.Signals) -> bool:
        """False where it has ended already."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
            return True
        return False


class Server:
    """`digitserve serve` with two API processes and two workers."""

    def __init__(self, folder: Path, place: Path, database_url: str) -> None:
        """Its log lies in `folder`; store and state in `place`, which may be a disk that is full at times."""
        self.place = place
        self.url = ""  # empty while nobody listens
        self.starts = 0  # how often the supervisor was started
        self.down: list[tuple[float, float]] = []  # monotonic seconds between which the supervisor was dead
        self.log = folder / "log"
        self._mark = str(folder)
        self._environment = {
            **os.environ,
            _MARK: self._mark,
            "DIGITSERVE_STORE_DIR": str(place / "store"),
            "DIGITSERVE_STATE_DIR": str(place / "state"),
            "DIGITSERVE_DATABASE_URL": database_url,
            "DIGITSERVE_DATA_DIR": _NOWHERE,
            "DIGITSERVE_JOB_LEASE_SECONDS": str(LEASE_SECONDS),
            "DIGITSERVE_JOB_WORKERS": "2",
            "DIGITSERVE_JOB_THREADS": "1",
        }
        self._port = free_port()  # the same after each accident, as an operator has it
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._known: set[int] = set()  # ids of its processes so far

    def start(self) -> None:
        """Returns when the service answers."""
        began = self.log.stat().st_size if self.log.exists() else 0
        self.starts += 1
        with self.log.open("ab") as log:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-m", "app", "serve", "--port", str(self._port), "--workers", "2"],
                cwd=ROOT, env=self._environment, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.url = wait_until(lambda: self._ready(began), progress=lambda: f"{self.log.stat().st_size} in {self.log}")

    def _ready(self, began: int) -> str:
        """The URL where the service answers; empty as long as it does not."""
        url = self._listening(began)
        with contextlib.suppress(httpx.TransportError):
            if url and httpx.get(f"{url}/readyz", timeout=PATIENCE_SECONDS, trust_env=False).status_code == 200:
                return url
        return ""

    def _listening(self, began: int) -> str:
        with self.log.open("rb") as log:
            log.seek(began)
            lines = [line for line in log.read().splitlines() if b'"listening"' in line]
        return str(json.loads(lines[0])["url"]) if lines else ""

    def kill(self, pause: float | None) -> list[Process]:
        """Kills the supervisor, starts it again, and returns the processes that outlived it too long. It is started
        when they are gone and a pause is over; at once where there is none.
        """
        assert self._supervisor is not None
        before = {process.pid for process in self.processes()}
        died, self.url = time.monotonic(), ""
        self.starts += 1  # what it has counted is over
        self._supervisor.kill()
        self._supervisor.wait()
        orphans = []
        if pause is not None:
            orphans = self.gone(before)
            time.sleep(pause)
        self.start()
        self.down.append((died, time.monotonic()))
        return orphans or self.gone(before)

    def stop(self) -> list[Process]:
        """As an operator does; returns the processes that were left behind."""
        assert self._supervisor is not None
        self.url = ""
        self._supervisor.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._supervisor.wait(_STOP_SECONDS)
        return self.gone(seconds=_GONE_SECONDS)

    def gone(self, these: Collection[int] | None = None, seconds: float = PATIENCE_SECONDS) -> list[Process]:
        """Waits until no process of this service is left, or none of these; returns those that stay, and ends them."""

        def living() -> list[Process]:
            return [process for process in self.processes() if these is None or process.pid in these]

        try:
            wait_until(lambda: not living(), seconds=seconds)
        except AssertionError:
            left = living()
            for process in left:
                process.send(signal.SIGKILL)
            return left
        return []

    def published(self) -> set[Path]:
        """The leaves to publish that workers have given so far."""
        return set(self.place.glob("state/jobs/*/attempt-*/go"))

    def processes(self, role: str = "") -> Iterator[Process]:
        """Those that run (or are stopped) now, by role where one is named."""
        mark = f"{_MARK}={self._mark}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    self._known.add(int(folder.name))
                elif not (_DECODER in words and int(words[words.index(b"--parent") + 1]) in self._known):
                    continue
            except OSError:  # it has just ended
                continue
            found = Process(int(folder.name), _role(words))
            if role in ("", found.role):
                yield found

    def zombies_that_stay(self) -> list[int]:
        """Processes that have ended, and that this service takes no notice of for long."""
        try:
            wait_until(lambda: not self._zombies(), seconds=60)
        except AssertionError:
            return self._zombies()
        return []

    def _zombies(self) -> list[int]:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                if state == "Z" and int(parent) in self._known:
                    found.append(int(folder.name))
        return found


def _role(words: list[bytes]) -> str:
    for word, role in ((_DECODER, "decoder"), (b"finetune", "training"), (b"worker", "worker"), (b"--fd", "api")):
        if word in words:
            return role
    return "supervisor"
