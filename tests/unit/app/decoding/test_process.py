"""A child as its parent starts it: it gets nothing of ours."""

import asyncio
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from app.decoding.decoder import Decoder
from models_store.errors import ImageRejected
from models_store.specs import InputSpec
from tests.support.patience import PATIENCE_SECONDS
from tests.support.pictures import encoded, png

SPEC = InputSpec()
DRAWN = np.full((120, 100), 250, np.uint8)
DRAWN[30:90, 40:52] = 10  # a one, dark on light
DRAWING = png(DRAWN)
SIDE = 3200
LARGE = encoded(np.full((SIDE, SIDE, 3), 240, np.uint8), "WEBP", method=0)  # some tenths of a second of CPU


def code(found: object) -> str:
    return found.code if isinstance(found, ImageRejected) else ""


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():
            await asyncio.sleep(0.01)


def is_there(pid: int) -> bool:
    """Whether a process runs, or is a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _is_busy(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "R"


def _runs(pid: int) -> bool:
    """Whether it does; whoever adopts it may take a while to reap it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_a_child_has_no_secret_and_no_descriptor_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIGITSERVE_DATABASE_URL", "postgresql://user:secret@host/name")
    with closing(Decoder()) as decoder, (tmp_path / "open").open("wb"):
        await decoder.read([DRAWING], SPEC)
        place = Path(f"/proc/{decoder.pids[0]}")
        assert b"secret" not in (place / "environ").read_bytes()
        targets = [str(link.readlink()) for link in (place / "fd").iterdir()]
        assert all(target == "/dev/null" or target.startswith("socket:") for target in targets), targets
        assert b"libtorch" not in (place / "maps").read_bytes()
