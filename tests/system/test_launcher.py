"""The launcher's child: it never outlives the worker, and knows nothing that it need not."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.jobs.launcher import LocalLauncher
from models_store.refs import Ref
from models_store.registry import Registry
from tests.conftest import ROOT
from tests.support.job_folders import job
from tests.support.lessons import digit_files
from tests.support.patience import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc, and only Linux tells of a parent's end")

_ENDLESS = 5000  # epochs
_WORKER = """
import os, signal, sys, time
from pathlib import Path
from app.jobs.launcher import LocalLauncher
folder, store, seconds = sys.argv[1:]
LocalLauncher(Path(store), Path("/no/data"), 1, "cpu", os.environ).start(Path(folder))
time.sleep(float(seconds))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_a_worker_killed_at_once_leaves_no_training(tmp_path: Path, registry: Registry, seconds: float) -> None:
    base = registry.resolve(Ref("digits"))
    folder = job(base, tmp_path / "job", digit_files(tmp_path / "new", per_digit=6), epochs=_ENDLESS).folder
    worker = subprocess.run(
        [sys.executable, "-c", _WORKER, str(folder), str(registry.root), str(seconds)], cwd=ROOT, check=False
    )
    try:
        assert worker.returncode == -signal.SIGKILL
        wait_until(lambda: not trainings(folder), progress=lambda: (folder / "events.jsonl").read_text()[-1000:])
        assert (folder / "events.jsonl").read_text() == ""  # it had not begun
    finally:
        for process in trainings(folder):
            os.kill(process, signal.SIGKILL)


def test_the_training_is_not_told_the_databases_password(tmp_path: Path, registry: Registry) -> None:
    ours = {**os.environ, "DIGITSERVE_DATABASE_URL": "postgresql://me:word@there/jobs", "DIGITSERVE_LOG_LEVEL": "info"}
    child = LocalLauncher(registry.root, tmp_path / "data", 1, "cpu", ours).start(tmp_path)
    try:
        names: set[str] = set()
        while not names and child.code() is None:
            for process in trainings(tmp_path):
                facts = Path(f"/proc/{process}/environ").read_text().split("\0")
                names = {fact.partition("=")[0] for fact in facts if fact}
    finally:
        child.kill()
    assert {"DIGITSERVE_DATA_DIR", "DIGITSERVE_LOG_LEVEL", "PATH"} <= names
    assert "DIGITSERVE_DATABASE_URL" not in names


def test_a_training_is_nice_and_hears_no_ctrl_c_of_the_terminal(tmp_path: Path, registry: Registry) -> None:
    child = LocalLauncher(registry.root, tmp_path / "data", 1, "cpu", os.environ).start(tmp_path)
    try:
        (process,) = wait_until(lambda: trainings(tmp_path))
        assert os.getpriority(os.PRIO_PROCESS, process) == 19
        assert os.getpgid(process) == process  # no Ctrl-C of the worker's terminal is for it
        assert os.getsid(process) == os.getsid(0)  # in another session it would not be nice to this process
    finally:
        child.kill()


def trainings(folder: Path) -> list[int]:
    """Processes that do the job in that folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:  # it ended a moment ago
            continue
        if b"training" in words and str(folder).encode() in words:
            found.append(int(path.parent.name))
    return found
