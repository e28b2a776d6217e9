"""What a server's processes take of the machine, looked up in /proc."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cpu:
    """Seconds of CPU that a process, or its main thread, has used so far."""

    user: float
    kernel: float

    @property
    def together(self) -> float:
        return self.user + self.kernel

    def __sub__(self, before: "Cpu") -> "Cpu":
        return Cpu(self.user - before.user, self.kernel - before.kernel)


def cpu(pid: int, *, main_thread: bool = False) -> Cpu:
    """Nothing where the process has ended (proc(5))."""
    place = f"/proc/{pid}/task/{pid}/stat" if main_thread else f"/proc/{pid}/stat"
    try:
        fields = Path(place).read_text().rsplit(")", 1)[1].split()
    except OSError:
        return Cpu(0.0, 0.0)
    return Cpu(int(fields[11]) / _TICKS, int(fields[12]) / _TICKS)


def cpu_of_all(pid: int) -> float:
    """Seconds of CPU that a process and all that it started have used so far, those that have ended too."""
    return sum(map(_with_the_ended, tree(pid)))


def _with_the_ended(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS


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


def api_processes(supervisor: int) -> list[int]:
    """The API processes below `digitserve serve`: those that were given a socket."""
    return [pid for pid in tree(supervisor) if b"\0--fd\0" in _command_line(pid)]


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
