"""Launcher: starts the process that trains. The worker knows only the protocol; where things run is a launcher's."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from app.storage import private
from models_store.handover import ERRORS, EVENTS

_NICE = 19
_FIRST_TO_GO = "1000"  # oom_score_adj: when memory is short, the kernel ends the training and not the service
_NEEDLESS = "DIGITSERVE_DATABASE_URL"  # may hold a password, and the training asks no database
# glibc gives large blocks back after every step and asks for them again: without it an epoch takes a fifth longer
_KEEP_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": "4000000000",
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TOP_PAD_": "268435456",
}


class Run(Protocol):
    """A training process that was started."""

    def code(self) -> int | None:
        """How it ended, as subprocess says it (-9: by SIGKILL); None while it runs."""

    def cpu_seconds(self) -> float | None:
        """What it has used of the processor so far; None where nobody can tell."""

    def terminate(self) -> None:
        """Asks it to end."""

    def kill(self) -> None:
        """Ends it, and waits until it is gone."""


class Launcher(Protocol):
    """Starts `python -m training finetune --job FOLDER` somewhere that sees the folder and the store."""

    def start(self, folder: Path) -> Run:
        """Begins one attempt; its lines go to `folder`/events.jsonl. Raises OSError where no process can be had."""


class LocalLauncher:
    """On this machine, behind everything else in the queue for the processor. The child dies with this process."""

    def __init__(self, store: Path, data: Path, threads: int, device: str, ours: Mapping[str, str]) -> None:
        """`ours` is the environment that the child inherits, without the database's URL."""
        self._arguments = ("--store", str(store.resolve()), "--threads", str(threads), "--device", device)
        self._environment = {name: value for name, value in ours.items() if name.upper() != _NEEDLESS}
        self._environment |= {**_KEEP_MEMORY, "DIGITSERVE_DATA_DIR": str(data.resolve())}

    def start(self, folder: Path) -> Run:
        mine = ("--job", str(folder), "--parent", str(os.getpid()))
        command = (sys.executable, "-m", "training", "finetune", *mine, *self._arguments)
        with (
            open(folder / EVENTS, "ab", opener=private.opener) as lines,
            open(folder / ERRORS, "ab", opener=private.opener) as errors,
        ):
            child = subprocess.Popen(  # noqa: S603 (our own program, no shell)
                command, stdin=subprocess.DEVNULL, stdout=lines, stderr=errors, env=self._environment,
                process_group=0,  # a Ctrl-C in the terminal is the worker's; in a session `_NICE` would not count
            )  # fmt: skip
        with contextlib.suppress(OSError):  # it has ended already, or may not be told
            os.setpriority(os.PRIO_PROCESS, child.pid, _NICE)
            Path(f"/proc/{child.pid}/oom_score_adj").write_text(_FIRST_TO_GO)
        return _Child(child)


class _Child:
    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child

    def code(self) -> int | None:
        return self._child.poll()

    def cpu_seconds(self) -> float | None:
        try:
            facts = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return sum(map(int, facts[11:13])) / os.sysconf("SC_CLK_TCK")  # utime and stime: proc(5)

    def terminate(self) -> None:
        self._child.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self._child.kill()
        self._child.wait()
