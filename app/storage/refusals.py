"""What is said when something can't be kept: the service's own errors, for disks and for databases."""

import contextlib
import errno
from collections.abc import Iterator

from app.errors import AppError, DatabaseUnavailable, StateReadOnly, StorageFull

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


def full(whose: str = "for uploads") -> StorageFull:
    """The answer where there is no room."""
    return StorageFull("storage_full", f"The disk {whose} is full. Delete files, or free some space, and repeat.")


def read_only() -> StateReadOnly:
    """The answer where nothing may be written."""
    return StateReadOnly(
        "state_read_only",
        "This server may not write into its state folder, so nothing new can be kept. Predictions go on. "
        "Ask the operator to run `digitserve doctor`.",
    )


def unavailable() -> DatabaseUnavailable:
    """The answer where the database may be back soon."""
    return DatabaseUnavailable(
        "database_unavailable", "The database does not answer. Repeat the request in a few seconds."
    )


def unusable() -> DatabaseUnavailable:
    """The answer where somebody has to mend the database first."""
    return DatabaseUnavailable(
        "database_unusable", "The database can't be used as it is. Ask the operator to look into the service's log."
    )


@contextlib.contextmanager
def of_files() -> Iterator[None]:
    """Raises StorageFull where the block finds the disk full, StateReadOnly where it may not write there."""
    try:
        yield
    except OSError as error:
        refusal = of_system(error)
        if refusal is None:
            raise
        raise refusal from error


def of_system(error: OSError) -> AppError | None:
    """None for what is neither a full disk nor one that may only be read."""
    if error.errno in FULL:
        return full()
    return read_only() if error.errno in READ_ONLY else None
