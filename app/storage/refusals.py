"""What is said when something can't be kept: the service's own errors, for disks and for databases."""

import contextlib
import errno
from collections.abc import Iterator

from app.errors import AppError, DatabaseUnavailable, StateReadOnly, StorageFull
from models_store import durable

FULL = (*durable.FULL, errno.EFBIG)
_LOST = (  # no folder where one should be, or a disk that went away
    errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG,
    errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENODEV, errno.ENXIO, errno.EHOSTDOWN, errno.ETIMEDOUT,
)  # fmt: skip


def full(whose: str = "for uploads") -> StorageFull:
    """The answer where there is no room. Deleting works on a full disk too."""
    return StorageFull(
        "storage_full",
        f"The disk {whose} is full. Delete data sets, corrections or versions that are no longer needed "
        "(DELETE /v1/files/{id}, /v1/feedback/{id}, /v1/models/{name}@{version}), or free some space, and repeat.",
    )


def read_only() -> StateReadOnly:
    """The answer where nothing may be written."""
    return StateReadOnly(
        "state_read_only",
        "This server may not write into its state folder, so nothing new can be kept. Predictions go on. "
        "Ask the operator to run `digitserve doctor`.",
    )


def lost() -> StateReadOnly:
    """The answer where there is nothing to write into, or to read from."""
    return StateReadOnly(
        "state_unusable",
        "This server's state folder can't be used as it is. Predictions go on. "
        "Ask the operator to run `digitserve doctor`.",
    )


def busy() -> DatabaseUnavailable:
    """The answer where no file can be opened because too many are open; that passes by itself."""
    return DatabaseUnavailable(
        "too_many_open_files",
        "Too many files and connections are open on this server. Repeat the request in a few seconds.",
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
    """Raises StorageFull where the block finds the disk full, StateReadOnly where it may not write there or where
    nothing can be, DatabaseUnavailable where too many files are open."""
    try:
        yield
    except OSError as error:
        refusal = lost() if error.errno in _LOST else of_system(error)
        if refusal is None:
            raise
        raise refusal from error


def of_system(error: OSError) -> AppError | None:
    """None for what is neither a full disk nor one that may only be read, nor too many open files."""
    if error.errno in FULL:
        return full()
    if error.errno in durable.BUSY:
        return busy()
    return read_only() if error.errno in durable.READ_ONLY else None
