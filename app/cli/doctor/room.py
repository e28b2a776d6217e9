"""How much room a folder's disk has: bytes, names, and what is held back."""

import os
from collections.abc import Iterator
from pathlib import Path

from app.cli.doctor.finding import Finding, bad, ok

LEAST_BYTES, LEAST_NAMES = 500 * 2**20, 1000


def room(what: str, folder: Path, least_bytes: int = LEAST_BYTES, least_names: int = LEAST_NAMES) -> Iterator[Finding]:
    """`what` is kept in `folder`. Raises OSError."""
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    said = f"{what} {folder}: {free / 2**30:.1f} GiB free"
    do = "delete versions, data sets or corrections that are no longer needed, or give the disk more room."
    yield ok(what, said) if free > least_bytes else bad(what, f"{said}, which is little", do)
    if disk.f_files and disk.f_favail <= least_names:
        yield bad(what, f"{what} {folder}: its disk has room for only {disk.f_favail:,} more files", do)


def held(where: str, held_bytes: int) -> Iterator[Finding]:
    """What a ballast has."""
    if held_bytes:
        yield ok(where, f"{where}: {held_bytes / 2**20:.0f} MiB are held back for a full disk, where deleting works so")
