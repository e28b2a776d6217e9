"""Folders that may only be read: mounted so, or, for users whom permissions hold, closed to writing."""

import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing in `folder` can be changed inside the block. Skips where this machine offers no way to that."""
    if os.geteuid() == 0:
        yield from _mounted(folder)
    else:
        yield from _closed(folder)


def _mounted(folder: Path) -> Iterator[None]:
    mounts = (["mount", "--bind", str(folder), str(folder)], ["mount", "-o", "remount,ro,bind", str(folder)])
    if subprocess.run(mounts[0], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here, and permissions do not hold root")
    try:
        subprocess.run(mounts[1], capture_output=True, check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _closed(folder: Path) -> Iterator[None]:
    before = {path: path.stat().st_mode for path in (folder, *folder.rglob("*"))}
    for path, mode in before.items():
        path.chmod(mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    try:
        yield
    finally:
        for path, mode in before.items():
            path.chmod(mode)
