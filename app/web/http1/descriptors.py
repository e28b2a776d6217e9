"""File descriptors: each connection takes one, and what is left is for files, pipes and the database."""

import contextlib
import resource

_ENOUGH = 4096  # the limit that we raise ours to, where the machine lets us
_OTHERS = 200  # descriptors that are no connections: versions, pictures, children, the database
_USUAL = 1000  # connections
_BACKLOG = 1024  # newcomers that the kernel may hold


def raise_limit(connections: int) -> int:
    """Raises this process's limit so far that so many connections (0: the usual number) fit, or as far as the machine
    allows. Returns the limit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(_ENOUGH, connections + _BACKLOG + _OTHERS)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft in (resource.RLIM_INFINITY, hard) or soft >= wanted:
        return _ENOUGH if soft == resource.RLIM_INFINITY else soft
    with contextlib.suppress(OSError, ValueError):  # macOS has a limit below its hard one
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def most_connections(asked: int, limit: int) -> int:
    """How many connections there may be below a limit of descriptors; `asked` is the setting, 0 where there is none."""
    if asked:
        return max(1, min(asked, limit - _OTHERS))
    return max(1, min(_USUAL, limit // 2))


def backlog(limit: int) -> int:
    """How many newcomers the kernel may hold."""
    return max(16, min(_BACKLOG, limit // 4))
