"""A backup that is made while everything goes on, restored where nothing is: what was acknowledged before is there."""

import io
import itertools
import os
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from sqlalchemy import select

from app.feedback.store import FeedbackStore
from app.files.store import FileStore
from app.jobs.folder import AttemptFolders
from app.jobs.job import State
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.storage.db import Database
from app.web.access.key_store import KeyStore
from app.web.access.tables import keys as key_table
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.shipped_version import open_store
from tests.conftest import EXAMPLES, ROOT, republished
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.support.pictures import png
from tests.system.harness import caller, command, serving
from training.synthetic import strokes

SEVEN = (EXAMPLES / "7.png").read_bytes()
JOBS = "/v1/fine_tuning/jobs"
_PACE_SECONDS = 0.02  # between two requests of one of them: enough goes on, and the machine is for other tests too


class Busy:
    """People who do everything at once, each in a thread; `acknowledged` has what they were told is there, under what
    it is: labels and pictures of corrections, bytes of data sets."""

    def __init__(self, url: str, key: str) -> None:
        self.acknowledged: dict[str, Any] = {}
        self.deleted: set[str] = set()  # asked for at least
        self.counts = dict.fromkeys(("predicted", "corrected", "uploaded", "promoted", "deleted"), 0)
        self.broken: list[str] = []
        self._http = caller(url)
        self._http.headers["authorization"] = f"Bearer {key}"
        self._end = threading.Event()
        self._numbers = itertools.count(1)
        self._champion = 1
        kinds = (self._predict, self._correct, self._correct, self._upload, self._promote, self._delete)
        self._threads = [threading.Thread(target=self._again, args=(one,)) for one in kinds]

    def __enter__(self) -> "Busy":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()
        self._http.close()

    def _again(self, act: Callable[[], None]) -> None:
        try:
            while not self._end.wait(_PACE_SECONDS):
                act()
        except Exception as error:
            self.broken.append(repr(error))

    def _asked(self, method: str, path: str, **sent: Any) -> httpx.Response:
        answer = self._http.request(method, path, **sent)
        assert answer.status_code < 300, (method, path, answer.text)
        return answer

    def _predict(self) -> None:
        self._asked("POST", "/v1/predict", content=SEVEN, headers={"content-type": "image/png"})
        self.counts["predicted"] += 1

    def _correct(self) -> None:
        number = next(self._numbers)
        label = str(number % 10)
        picture = png(strokes.unit(number % 10, np.random.default_rng(number)))
        given = self._asked("POST", "/v1/feedback", files={"file": ("x.png", picture)}, data={"label": label}).json()
        self.acknowledged[given["id"]] = label
        self.counts["corrected"] += 1

    def _upload(self) -> None:
        data = zipped(next(self._numbers), 2)
        sent = self._asked("POST", "/v1/files", files={"file": ("x.zip", data)}, data={"purpose": "fine-tune"})
        self.acknowledged[sent.json()["id"]] = data
        self.counts["uploaded"] += 1

    def _promote(self) -> None:
        wanted = {1: 2, 2: 1}[self._champion]
        moved = {"version": wanted, "expected": self._champion}
        self._asked("PUT", "/v1/models/digits/aliases/champion", json=moved)
        self._champion = wanted
        self.counts["promoted"] += 1

    def _delete(self) -> None:
        """The newest: a backup that has seen its row may come too late for its files."""
        rest = [name for name in list(self.acknowledged) if name not in self.deleted]
        if len(rest) < 20 or self.counts["deleted"] > len(rest):
            return
        name = rest[-1]
        self.deleted.add(name)
        self._asked("DELETE", f"/v1/{'feedback' if name.startswith('fb-') else 'files'}/{name}")
        self.counts["deleted"] += 1


def zipped(seed: int, each: int) -> bytes:
    rng, buffer = np.random.default_rng(seed), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for digit, number in itertools.product(range(10), range(each)):
            archive.writestr(f"{digit}/{number}.png", png(strokes.unit(digit, rng)))
    return buffer.getvalue()


def epochs(http: httpx.Client, job: str) -> int:
    told = http.get(f"{JOBS}/{job}/checkpoints").json()["data"]
    return max((point["step_number"] for point in told), default=0)


@contextmanager
def elsewhere(folder: Path, environment: pytest.MonkeyPatch) -> Iterator[None]:
    """The same software on another machine, which has nothing yet."""
    environment.setenv("DIGITSERVE_STORE_DIR", str(folder / "store"))
    environment.setenv("DIGITSERVE_STATE_DIR", str(folder / "state"))
    yield


def test_a_backup_under_load_comes_back_whole_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITSERVE_FILES_MAX", "100000")
    republished(open_store(tmp_path / "store"))
    key = command("keys", "create", "busy", "--scope", "admin", "--scope", "train").stdout.strip()
    backup = tmp_path / "backup.tar"
    with serving(tmp_path / "log", "--workers", "1") as (_, url), caller(url) as http:
        http.headers["authorization"] = f"Bearer {key}"
        learned = http.post("/v1/files", files={"file": ("x.zip", zipped(0, 6))}, data={"purpose": "fine-tune"}).json()
        asked = {"model": "digits@1", "training_file": learned["id"], "hyperparameters": {"n_epochs": 500}}
        running, paused, waiting = (http.post(JOBS, json=asked).raise_for_status().json()["id"] for _ in range(3))
        http.post(f"{JOBS}/{paused}/pause").raise_for_status()
        wait_until(lambda: epochs(http, running) >= 2)
        with Busy(url, key) as busy:
            wait_until(lambda: all(busy.counts.values()))
            before = dict(busy.acknowledged)
            made = command("backup", str(backup))
        assert (made.returncode, made.stderr, busy.broken) == (0, "", [])
        assert all(busy.counts.values()) and len(busy.acknowledged) > len(before)
        assert http.get(f"{JOBS}/{running}").json()["status"] == "running"
    assert sorted(tmp_path.glob(".digitserve-backup-*")) == [] and backup.stat().st_mode & 0o777 == 0o600
    assert command("backup", "--check", str(backup)).returncode == 0
    with elsewhere(tmp_path / "new", monkeypatch):
        restored = command("restore", str(backup))
        assert (restored.returncode, restored.stderr) == (0, "")
        twice = command("restore", str(backup))
        assert twice.returncode == 1 and str(tmp_path / "new" / "store" / "digits") in twice.stderr
        is_there(tmp_path / "new", before, busy)
        with closing(Database(f"sqlite:///{tmp_path / 'new' / 'state' / 'digitserve.db'}")) as database:
            jobs = JobStore(database)
            states = {name: jobs.get(name).state for name in (running, paused, waiting)}
            assert states == {running: State.QUEUED, paused: State.PAUSED, waiting: State.QUEUED}
            again = Leases(database).claim("a worker there")
            assert again is not None and (again.id, again.attempt, again.tries) == (running, 2, 1)
            files = FileStore(database, tmp_path / "new" / "state")
            assert list(AttemptFolders(tmp_path / "new" / "state" / "jobs", files.path).prepare(again).glob("*.pt"))


def is_there(folder: Path, before: dict[str, Any], busy: Busy) -> None:
    """Whatever was acknowledged before and nobody deleted; and all that anything names, whole."""
    registry = Registry(folder / "store")
    assert registry.versions("digits") == [1, 2]
    for number in (1, 2):
        registry.verify(Ref("digits", None, number))
    assert set(registry.aliases("digits")) == {"champion", "previous"}
    with closing(Database(f"sqlite:///{folder / 'state' / 'digitserve.db'}")) as database:
        feedback, files = FeedbackStore(database, folder / "state"), FileStore(database, folder / "state")
        corrections = {one.id: one for one in feedback.chosen(held=None)}
        for name in (name for name in before if name not in busy.deleted):
            if name.startswith("fb-"):
                assert corrections[name].label == before[name]
            else:
                assert files.path(name).read_bytes() == before[name]
        for one in corrections.values():
            assert feedback.read(one), one.id
            assert one.label == busy.acknowledged.get(one.id, one.label)
        for file in files.list(100_000)[0]:
            assert len(files.path(file.id).read_bytes()) == file.bytes
        rows = {*corrections, *(file.id for file in files.list(100_000)[0])}
        lying = {path.name for kind in ("feedback", "files") for path in (folder / "state" / kind).glob("f*-*")}
        assert rows == lying  # what was deleted while the backup was made is not in it
        assert len(KeyStore(database).all()) == 1
        with database.reading() as connection:
            assert len(connection.execute(select(key_table.c.sha256)).scalar_one()) == 64


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_backup_that_is_ended_is_none(tmp_path: Path, number: signal.Signals, ctrl_c_is_heard: None) -> None:
    open_store(tmp_path / "store")
    (tmp_path / "store" / "digits" / "1" / "report" / "large.bin").write_bytes(bytes(2**30))
    folder = tmp_path / "backups"
    folder.mkdir()
    child = subprocess.Popen([sys.executable, "-m", "app", "backup", str(folder)], cwd=ROOT, stderr=subprocess.DEVNULL)
    wait_until(lambda: list(folder.glob(".digitserve-backup-*/archive")))
    os.kill(child.pid, number)
    child.wait(PATIENCE_SECONDS)
    left = [path.name for path in folder.iterdir()]
    if number == signal.SIGKILL:
        assert len(left) == 1 and left[0].startswith(".digitserve-backup-")  # which is called like no backup
        (tmp_path / "store" / "digits" / "1" / "report" / "large.bin").unlink()
        assert command("backup", str(folder)).returncode == 0
        (left,) = ([path.name for path in folder.iterdir()],)
        assert len(left) == 1 and left[0].endswith(".tar")  # the next one takes it away
    else:
        assert (child.returncode, left) == (130, [])
