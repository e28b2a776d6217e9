"""Small disks of their own, and how they get full."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, size: str, names: int = 0) -> Iterator[Path]:
    """An empty disk at `folder`, of a size such as `40m` and, where that is said, with room for so many names. Skips
    where this machine lets nobody mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={size}" + (f",nr_inodes={names}" if names else "")
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk of its own can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def free(folder: Path) -> int:
    """Bytes that can be written on a folder's disk."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def fill(folder: Path) -> None:
    """Takes every byte that is free, as others do."""
    with (folder / "filler").open("ab") as file:
        file.write(bytes(free(folder)))
