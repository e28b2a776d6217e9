"""A process that keeps corrections is killed, at any moment: what it has acknowledged is there, and nothing else is."""

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np

from app.feedback.store import FeedbackStore
from app.storage.db import Database
from app.storage.leftovers import LEFTOVER_SECONDS
from models_store.pictures.stripped import strip
from tests.conftest import ROOT
from tests.support.patience import PATIENCE_SECONDS
from tests.support.uploading import lying_in

KEEP = """
import sys
from itertools import count
from pathlib import Path
from app.storage.db import Database
from app.feedback.store import FeedbackStore
from tests.support.correcting import put
store = FeedbackStore(Database(sys.argv[1], wait_seconds=300), Path(sys.argv[2]))
for seed in count(int(sys.argv[3])):
    print(put(store, seed, "71"[seed % 2]), flush=True)
"""


def killed(url: str, state: Path, first: int, seconds: float) -> list[str]:
    """The corrections that a process acknowledged before it was killed, so long after the first one."""
    command = [sys.executable, "-c", KEEP, url, str(state), str(first)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = child.stdout.readline()
        time.sleep(seconds)
        child.kill()
        told += child.stdout.read()
    return [line for line in told.splitlines() if len(line) == 27]  # the last one may be cut off


def test_what_was_acknowledged_survives(url: str, tmp_path: Path, rng: np.random.Generator) -> None:
    state, told = tmp_path / "state", list[str]()
    for run in range(3):
        told += killed(url, state, 10_000 * run, float(rng.uniform(0, 0.3)))
    with closing(Database(url, PATIENCE_SECONDS)) as database:
        store = FeedbackStore(database, state)
        rows = store.chosen()
        assert set(told) <= {one.id for one in rows} and len(rows) <= len(told) + 3  # one of each run may be unsaid
        for one in rows:
            assert strip(store.picture(one.id)).sha256 == one.sha256
        for path in (state / "feedback").iterdir():
            for each in (*path.rglob("*"), path):
                os.utime(each, (time.time() - LEFTOVER_SECONDS - 60,) * 2)
        store.sweep()
        assert lying_in(state / "feedback") == sorted(one.id for one in rows)
