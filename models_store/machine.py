"""What this process may use of the machine."""

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LOOK_SECONDS = 1.0  # how often a process looks for its parent where the kernel does not tell it
_LAST = 19  # the priority after which there is none
_NVIDIA = Path("/proc/driver/nvidia/gpus")  # one folder per card, made by the driver


def gpus(folder: Path = _NVIDIA) -> int:
    """NVIDIA cards that torch could use, counted without importing it; 0 where torch is built for CPUs only."""
    try:
        return 0 if version("torch").endswith("+cpu") else len(list(folder.iterdir()))
    except (PackageNotFoundError, OSError):
        return 0


def give_back_memory() -> None:
    """Returns to the system what glibc keeps of memory that was freed; elsewhere nothing."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def end_with_parent(parent: int) -> None:
    """Makes this process end by SIGKILL with the thread that started it, whose process is `parent`. Where there is no
    Linux it looks for that process every second, and a codec or a net that holds Python's lock ends later."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        threading.Thread(target=_end_after, args=(parent,), name="parent", daemon=True).start()
        return
    if os.getppid() != parent:  # it ended before that was said
        os.kill(os.getpid(), signal.SIGKILL)


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def step_back(nice: int) -> None:
    """Lets everything else of this process go before the calling thread, so many steps behind where it stood: on Linux
    each thread has a priority of its own. Elsewhere nothing, because a thread's number may be another process's."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, min(_LAST, os.getpriority(os.PRIO_PROCESS, thread) + nice))


def cores() -> int:
    """CPU cores: the cgroup's limit where there is one (cgroup v2, cpu.max), otherwise the affinity mask."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return allowed
    return allowed if quota == "max" else max(1, min(allowed, round(int(quota) / int(period))))
