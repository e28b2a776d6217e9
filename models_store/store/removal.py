"""Deletion of a version: its manifest goes first, and with it the version; then all the rest but its digest, which
keeps the number taken and the shipped version from being installed again. No link is followed on the way.
"""

import contextlib
import os
import shutil
import stat
from pathlib import Path

from models_store import durable, manifest
from models_store.errors import StoreBusy, StoreError
from models_store.manifest import Manifest

MARK = "deleted.txt"  # what stays, with the digest in it


def digest_of(folder: Path) -> str:
    """The digest of the version that is or was in `folder`; empty where it can't be told. Raises StoreBusy."""
    try:
        with durable.busy():
            if (folder / MARK).is_file():
                return (folder / MARK).read_text()
            return Manifest.from_bytes((folder / manifest.FILE).read_bytes()).digest
    except StoreBusy:  # what can't be read now may be ours all the same
        raise
    except (StoreError, OSError):  # a corrupt version is the engine's to report, and no copy of ours
        return ""


def delete(folder: Path) -> None:
    """Makes the version in `folder` a deleted one. Its files are still there: `clear` takes them. Raises OSError."""
    durable.write(folder / MARK, digest_of(folder).encode())
    (folder / manifest.FILE).unlink()
    durable.sync_folder(folder)


def clear(folder: Path) -> None:
    """Takes away what is left of a deleted version, also where a kill came between; in any other folder, nothing.

    A link in it goes, what it leads to stays; where `folder` itself is one, nothing goes. Raises OSError.
    """
    if folder.is_symlink() or not (folder / MARK).is_file() or (folder / manifest.FILE).exists():
        return
    with contextlib.suppress(FileNotFoundError):  # somebody else was quicker
        _empty(folder)


def _empty(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for name in os.listdir(handle):  # noqa: PTH208 (a path could be exchanged for a link meanwhile, a handle can't)
            if name == MARK:
                continue
            if stat.S_ISDIR(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode):
                shutil.rmtree(name, dir_fd=handle)
            else:
                os.unlink(name, dir_fd=handle)
    finally:
        os.close(handle)
