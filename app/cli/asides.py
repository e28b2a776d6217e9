"""What is logged while a command runs goes to standard error: what it prints is for whoever reads its output."""

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def aside() -> Iterator[None]:
    """In the block the log is on standard error."""
    import structlog  # most commands need none of it

    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr), cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)
