"""What this process may use of the machine."""

import contextlib
import ctypes
import os
import signal
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
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
    """Makes this process end by SIGKILL with the thread that started it, whose process is `parent`; on Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before that was said
            os.kill(os.getpid(), signal.SIGKILL)


def cores() -> int:
    """CPU cores: the cgroup's limit where there is one (cgroup v2, cpu.max), otherwise the affinity mask."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return allowed
    return allowed if quota == "max" else max(1, min(allowed, round(int(quota) / int(period))))
