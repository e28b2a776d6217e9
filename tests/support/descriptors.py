"""A process that may open no further file."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def none_left() -> Iterator[None]:
    """Every descriptor that this process may have is taken inside the block."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = os.open(os.devnull, os.O_RDONLY)  # the lowest that is free: all below it are in use
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken + 1, most[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
        os.close(taken)
