"""Writes that survive a power cut: whole or not at all."""

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from models_store.errors import StoreBusy, StoreFull, StoreReadOnly

FULL = (errno.ENOSPC, errno.EDQUOT)
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
BUSY = (errno.EMFILE, errno.ENFILE)  # no descriptor is left, in this process or on this machine


@contextlib.contextmanager
def busy() -> Iterator[None]:
    """Raises StoreBusy where the block can open no file because too many are open; that passes by itself."""
    try:
        yield
    except OSError as error:
        if error.errno in BUSY:
            raise StoreBusy(
                "Too many files and connections are open on this server. Repeat it in a few seconds."
            ) from error
        raise


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Raises StoreReadOnly where the block may not write into the store, StoreFull where the disk has no room, and
    StoreBusy where too many files are open."""
    try:
        with busy():
            yield
    except OSError as error:
        if error.errno in READ_ONLY:
            raise StoreReadOnly(
                "The store may only be read here, so nothing in it was changed. Do it where the store can be written, "
                "or let this server's user write into it."
            ) from error
        if error.errno in FULL:
            raise StoreFull(
                "The store's disk is full, so nothing in it was changed. Delete versions that are no longer needed, "
                "or free some space, and repeat."
            ) from error
        raise


def read(path: Path, longest: int) -> bytes:
    """The bytes of a file that anybody may have put there. Raises OSError, also for a pipe, of which nobody would see
    the end; ValueError where there are more than `longest`; StoreBusy."""
    with busy():
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(errno.EINVAL, "no file")
            data = file.read(longest + 1)
    if len(data) > longest:
        raise ValueError("too long")
    return data


def write(path: Path, data: bytes) -> None:
    """Replaces `path` by a file with exactly `data`, atomically; readers see the old file or the new one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), 0o644)  # mkstemp makes it private; other users' tools read the store too
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Makes every file and name below `folder` durable."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with open(Path(parent, name), "rb") as file:
                os.fsync(file.fileno())
        sync_folder(Path(parent))
