"""The machine: descriptors, memory, MNIST, and who has the port."""

import errno
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

from app.cli.doctor.finding import Finding, bad, note, ok
from app.settings import Settings
from app.supervision.probe import Found, Who, probe
from models_store.machine import cores, gpus

_MNIST = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_PROBE_SECONDS = 5.0  # a server that loads its model answers when it has
_DESCRIPTORS = 4096  # of one process: docs/operations.md
_BESIDE_CONNECTIONS = 200  # as app.web.http1.descriptors keeps free
_MIB = 2**20
_BODIES = 2  # times what waits: forms and JSON are taken apart


def descriptors(settings: Settings) -> Iterator[Finding]:
    """How many files and connections a process may have open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = "any number" if hard == resource.RLIM_INFINITY else f"{hard:,}"
    needed = max(_DESCRIPTORS, settings.max_connections + _BESIDE_CONNECTIONS)
    if hard != resource.RLIM_INFINITY and hard < needed:
        do = "set LimitNOFILE (systemd), nofile (Compose) or `ulimit -Hn`"
        yield note("descriptors", f"descriptors: a process may have {most} open, and {needed:,} are wanted", f"{do}.")
    else:
        yield ok("descriptors", f"descriptors: a process may have {most} open")


def memory(settings: Settings, limit: int | None = None) -> Iterator[Finding]:
    """Whether the processes fit. What one takes is what this one has, with torch in it. `limit` is in bytes; None: the
    machine's, or the cgroup's."""
    have = limit or _memory_bytes()
    if have is None:
        yield note("memory", "memory: the system does not say how much there is")
        return
    each = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    workers = settings.workers or gpus() or cores()
    count = workers + settings.job_workers
    least, most = count * each, count * each + workers * _BODIES * settings.max_bytes_waiting
    said = f"memory: {count} processes take {least // _MIB:,} MiB at rest, and up to {most // _MIB:,} MiB under load"
    do = "lower DIGITSERVE_WORKERS or DIGITSERVE_MAX_BYTES_WAITING, or give it more."
    if least > have:
        yield bad("memory", f"{said}; there are {have // _MIB:,} MiB", do)
    elif most > have:
        yield note("memory", f"{said}; there are {have // _MIB:,} MiB", do)
    else:
        yield ok("memory", f"{said}, of {have // _MIB:,} MiB")


def _memory_bytes() -> int | None:
    """What there is of it: the least of the machine's and of the cgroups' that this process is in."""
    found = []
    try:
        line = next(one for one in Path("/proc/meminfo").read_text().splitlines() if one.startswith("MemTotal:"))
        found.append(int(line.split()[1]) * 1024)
        group = Path("/proc/self/cgroup").read_text().rpartition("::")[2].strip().lstrip("/")
    except (OSError, StopIteration, ValueError, IndexError):
        group = ""
    here = Path("/sys/fs/cgroup") / group
    for place in (here, *here.parents[: len(Path(group).parts)]):
        for name in ("memory.max", "memory/memory.limit_in_bytes"):
            try:
                found.append(int((place / name).read_text()))  # or `max`
            except (OSError, ValueError):
                continue
    return min(found, default=None)


def data(settings: Settings) -> Iterator[Finding]:
    """What trainings repeat."""
    folder = settings.data_dir / "MNIST" / "raw"
    if all((folder / name).is_file() for name in _MNIST):
        yield ok("data", f"MNIST in {folder}")
    else:
        yield note(
            "data",
            f"MNIST is not in {folder}",
            "serving needs none; to train, set DIGITSERVE_DATA_DIR",
        )


def port(settings: Settings) -> tuple[Finding, bool]:
    """Who has it, and whether that is a server of ours which answers."""
    place = f"port {settings.port} on {settings.host}"
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((settings.host, settings.port))
            return ok("port", f"{place} is free"), False
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return bad("port", f"{place} cannot be had ({error.strerror})", "set --host and --port"), False
        except UnicodeError:
            return bad("port", f"{place} cannot be had (no host can be called that)", "set --host"), False
    found = probe(settings.host, settings.port, _PROBE_SECONDS)
    return _who_has(place, found), found.is_ours


def _who_has(place: str, found: Found) -> Finding:
    match found.who:
        case Who.READY:
            return ok("port", f"{place}: DigitServe runs there, and {found.model} answers")
        case Who.NOT_READY:
            do = f"curl its /readyz, which says why: {found.model}" if found.model else "its /readyz says why."
            return note("port", f"{place}: DigitServe runs there, and no model answers yet", do)
        case Who.ENDING:
            return note("port", f"{place}: DigitServe is about to end there")
    return bad("port", f"{place} is taken by another program", "serve on another with --port")
