"""What tests of decoding children share: pictures for them, and how processes are."""

import os
from pathlib import Path

import numpy as np

from models_store.errors import ImageRejected
from models_store.specs import InputSpec
from tests.support.pictures import encoded, png

SPEC = InputSpec()
DRAWN = np.full((120, 100), 250, np.uint8)
DRAWN[30:90, 40:52] = 10  # a one, dark on light
DRAWING = png(DRAWN)
SIDE = 3200
MEDIUM = png(np.full((1000, 1200), 250, np.uint8))
LARGE = encoded(np.full((SIDE, SIDE, 3), 240, np.uint8), "WEBP", method=0)  # some tenths of a second of CPU


def code(found: object) -> str:
    """Of a refusal, empty for anything else."""
    return found.code if isinstance(found, ImageRejected) else ""


def is_there(pid: int) -> bool:
    """Whether a process runs, or is a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def is_busy(pid: int) -> bool:
    """Whether it computes now."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "R"


def runs(pid: int) -> bool:
    """Whether it does; whoever adopts it may take a while to reap it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
