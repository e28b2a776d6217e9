"""The process that does a fine-tune job: it asks before it publishes, ends when told, and dies with its parent."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from models_store.refs import Ref
from models_store.registry import Registry
from tests.conftest import ROOT
from tests.support.job_folders import job
from tests.support.lessons import digit_files
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.system.harness import NOWHERE, left_in, small_champion

_ENDLESS = 5000  # epochs


def command(folder: Path, registry: Registry) -> list[str]:
    words = ["finetune", "--job", str(folder), "--store", str(registry.root), "--threads", "1"]
    return [sys.executable, "-m", "training", *words]


def environment() -> dict[str, str]:
    return {**os.environ, "DIGITSERVE_DATA_DIR": NOWHERE}


class Children:
    """Starts jobs as a worker does, and leaves none behind."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, folder: Path) -> subprocess.Popen[bytes]:
        with (folder / "events.jsonl").open("wb") as lines, (folder / "stderr.txt").open("wb") as errors:
            child = subprocess.Popen(
                command(folder, self._registry), cwd=ROOT, env=environment(), stdout=lines, stderr=errors
            )
        self._started.append(child)
        return child

    def end(self) -> None:
        for child in self._started:
            child.kill()
            child.wait()


@pytest.fixture
def small(tmp_path: Path) -> Registry:
    """A store from whose champion a job learns in a moment."""
    return small_champion(tmp_path / "store")


@pytest.fixture
def children(small: Registry) -> Iterator[Children]:
    started = Children(small)
    yield started
    started.end()


def folder_of(tmp_path: Path, registry: Registry, epochs: int = 1, ref: str | None = None) -> Path:
    """A job on 60 pictures that has no leave to publish yet."""
    pictures = tmp_path / "pictures"
    if not pictures.exists():
        digit_files(pictures, per_digit=6)
    base = registry.resolve(Ref("digits"))
    asked = job(base, tmp_path / "job", pictures, "ftjob-1", epochs=epochs, ref=ref)
    (asked.folder / "go").unlink()
    return asked.folder


def said(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "events.jsonl").read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def heard(folder: Path, event: str) -> bool:
    return any(line["event"] == event for line in said(folder))


def until(condition: Callable[[], bool], folder: Path) -> None:
    def told() -> str:
        return (folder / "stderr.txt").read_text()[-3000:] + (folder / "events.jsonl").read_text()[-1000:]

    wait_until(condition, progress=told)


def test_it_publishes_with_leave_only_and_once_however_often_it_is_killed(
    tmp_path: Path, small: Registry, children: Children
) -> None:
    folder = folder_of(tmp_path, small)
    child = children.start(folder)
    until(lambda: heard(folder, "ready"), folder)
    time.sleep(0.2)
    assert child.poll() is None
    assert small.versions("digits") == [1, 2]  # complete, and seen by nobody
    assert len(list(small.root.glob("digits/.staging-*"))) == 1
    child.kill()  # in the worst moment before it
    child.wait()

    again = children.start(folder)  # what the first one left half-written is in nobody's way
    until(lambda: heard(folder, "ready"), folder)
    (note,) = [line["text"] for line in said(folder) if line["event"] == "note"]
    assert note.startswith(("accepted: ", "rejected: "))
    (folder / "go").touch()
    until(lambda: small.versions("digits") == [1, 2, 3], folder)
    again.kill()  # the result may be told by now, or not
    again.wait()

    last = children.start(folder)
    assert last.wait(PATIENCE_SECONDS) == 0
    told = said(folder)
    assert [line["event"] for line in told] == ["ready", "result"]  # nothing was learned again
    made = small.verify(Ref("digits", None, 3))
    assert small.versions("digits") == [1, 2, 3]
    result = told[-1]
    assert (result["version"], result["accepted"], result["gate"]) == (made.ref, made.manifest.accepted, note)
    assert result["champion"] is False
    assert result["numbers"] == made.manifest.metrics
    assert {"accuracy", "accuracy_of_base", "new_accuracy", "new_accuracy_of_base", "new_rows"} <= set(
        result["numbers"]
    )
    assert str(tmp_path) not in (made.folder / "manifest.json").read_text()
    assert (folder / "stderr.txt").read_text() == ""


def test_sigterm_in_the_middle_of_an_epoch_leaves_checkpoints_and_nothing_half_written(
    tmp_path: Path, small: Registry, children: Children
) -> None:
    folder = folder_of(tmp_path, small, epochs=_ENDLESS)
    child = children.start(folder)
    until(lambda: heard(folder, "epoch"), folder)
    child.terminate()
    assert child.wait(PATIENCE_SECONDS) == 143
    assert left_in(small.root) == {"digits": [1, 2]}
    assert [path.name for path in folder.glob("*.pt")] == ["training.pt"]
    assert not list(folder.glob(".*"))
    assert (folder / "stderr.txt").read_text() == ""
    assert not heard(folder, "error")
    learned = max(line["number"] for line in said(folder) if line["event"] == "epoch")

    child = children.start(folder)
    until(lambda: heard(folder, "epoch"), folder)
    child.terminate()
    assert child.wait(PATIENCE_SECONDS) == 143
    first = next(line["number"] for line in said(folder) if line["event"] == "epoch")
    assert first in (learned + 1, learned + 2)  # the last epoch may have been saved and not told


def test_sigterm_while_it_waits_for_leave_publishes_nothing(
    tmp_path: Path, small: Registry, children: Children
) -> None:
    folder = folder_of(tmp_path, small)
    child = children.start(folder)
    until(lambda: heard(folder, "ready"), folder)
    child.terminate()
    assert child.wait(PATIENCE_SECONDS) == 143
    assert left_in(small.root) == {"digits": [1, 2]}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_it_dies_with_its_parent(tmp_path: Path, small: Registry) -> None:
    folder = folder_of(tmp_path, small, epochs=_ENDLESS)
    script = (
        "import subprocess, sys, time\n"
        f"lines = open({str(folder / 'events.jsonl')!r}, 'wb')\n"
        f"child = subprocess.Popen({command(folder, small)!r}, stdout=lines, stderr=lines)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(1000)\n"
    )
    (folder / "stderr.txt").touch()
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    try:
        until(lambda: (folder / "events.jsonl").exists() and heard(folder, "epoch"), folder)
        assert alive(child)
        parent.kill()
        parent.wait()
        wait_until(lambda: not alive(child))
        assert not heard(folder, "ready")  # it was not done by itself
    finally:
        parent.kill()
        parent.communicate()
        if alive(child):
            os.kill(child, signal.SIGKILL)


def alive(process: int) -> bool:
    """Whether it runs; one that has ended and that nobody has asked about does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_what_takes_seconds_to_import_and_nobody_needs_stays_out(tmp_path: Path, registry: Registry) -> None:
    """torch's compiler, which optimizers and tracers bring in; and the libraries around data sets and plots. Here the
    shipped version learns, without MNIST: everything is drawn."""
    folder = folder_of(tmp_path, registry)
    (folder / "go").touch()
    heavy = (
        "torch._dynamo",
        "torch._inductor",
        "sympy",
        "torchvision",
        "sklearn",
        "scipy",
        "matplotlib",
        "torchmetrics",
    )
    script = f"import sys; from training.__main__ import main; code = main({command(folder, registry)[3:]!r})\n"
    script += f"print(code, [name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment(), check=True, capture_output=True, text=True
    )
    *told, last = done.stdout.splitlines()
    assert last == "0 []"
    first, _ = [line["text"] for line in map(json.loads, told) if line["event"] == "note"]
    assert "scikit-learn's digits and drawn ones stand for what digits@1" in first


def test_a_refusal_is_a_line_with_a_code(tmp_path: Path, small: Registry, children: Children) -> None:
    folder = folder_of(tmp_path, small, ref="digits@7")
    assert children.start(folder).wait(PATIENCE_SECONDS) == 2
    last = said(folder)[-1]
    assert last == {
        "event": "error", "code": "base_unusable", "text": "The model digits has no version 7. It has 1, 2."
    }  # fmt: skip
    assert (folder / "stderr.txt").read_text() == ""
    assert left_in(small.root) == {"digits": [1, 2]}
