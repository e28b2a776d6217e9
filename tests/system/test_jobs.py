"""Fine-tune jobs on a real server with real workers: the story as the `openai` package tells it, and what kills."""

import io
import os
import signal
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from sqlalchemy import func, select

from app.errors import DatabaseUnavailable
from app.jobs.tables import jobs
from app.storage.db import Database, now
from models_store.refs import Ref
from models_store.registry import Registry
from tests.conftest import EXAMPLES
from tests.support.ordered import expire
from tests.support.patience import PATIENCE_SECONDS, in_spite_of, wait_until
from tests.system.harness import caller, drawn, events, serving, until

LEASE_SECONDS = 600
ENDED = ("succeeded", "failed", "cancelled")


@pytest.fixture
def pictures(tmp_path: Path) -> bytes:
    """A zip of sixty drawn digits, a folder per label."""
    folder, buffer = drawn(tmp_path / "pictures", range(10), 6), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, path.relative_to(folder).as_posix())
    return buffer.getvalue()


def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", http_client=caller(url))


def ended(ai: openai.OpenAI, job: str) -> Any:
    found: Any = wait_until(
        lambda: (one := ai.fine_tuning.jobs.retrieve(job)).status in ENDED and one,
        progress=lambda: [event.message for event in ai.fine_tuning.jobs.list_events(job, limit=3).data],
    )
    assert found.status == "succeeded", found
    return found


def epochs(ai: openai.OpenAI, job: str) -> list[int]:
    """The training's epochs, in the order in which they were told."""
    told = list(ai.fine_tuning.jobs.list_events(job, limit=100))[::-1]
    facts = [dict(event.data) for event in told if event.type == "metrics" and isinstance(event.data, dict)]
    return [int(fact["epoch"]) for fact in facts if fact["run"] == "training"]


def processes(folder: Path) -> list[int]:
    """Every process that was started for this test's store."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            mine = str(folder).encode() in (path / "environ").read_bytes()
            zombie = (path / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            continue
        if mine and not zombie and int(path.name) != os.getpid():
            found.append(int(path.name))
    return found


def test_the_openai_package_drives_the_whole_story(tmp_path: Path, pictures: bytes) -> None:
    with serving(tmp_path / "log", "--workers", "1") as (_, url), client(url) as ai:
        uploaded = ai.files.create(file=("mine.zip", pictures), purpose="fine-tune")
        assert uploaded.status == "processed"
        assert ai.files.content(uploaded.id).read() == pictures
        method: Any = {"type": "supervised", "supervised": {"promote": "if_better", "hyperparameters": {"n_epochs": 8}}}
        job = ai.fine_tuning.jobs.create(model="digits", training_file=uploaded.id, method=method, seed=3)
        assert job.status in ("queued", "running")
        assert [one.id for one in ai.fine_tuning.jobs.list()] == [job.id]
        done = ended(ai, job.id)
        assert done.fine_tuned_model == "digits@2"
        assert epochs(ai, job.id) == list(range(1, 9))
        assert [point.step_number for point in ai.fine_tuning.jobs.checkpoints.list(job.id)] == list(range(8, 0, -1))
        made: Any = ai.models.retrieve("digits@2")
        assert (made.parent, made.job) == ("digits@1", job.id)
        assert [model.id for model in ai.models.list()] == ["digits"]
        seven = (EXAMPLES / "7.png").read_bytes()

        def answers() -> str:
            sent = httpx.post(
                f"{url}/v1/predict", content=seven, headers={"content-type": "image/png"}, timeout=PATIENCE_SECONDS
            )
            assert sent.status_code == 200
            return str(sent.json()["model"])

        assert made.aliases == ["champion"], done.to_dict()["result"]
        wait_until(lambda: answers() == "digits@2")
        httpx.post(f"{url}/v1/models/digits/rollback", timeout=PATIENCE_SECONDS).raise_for_status()
        wait_until(lambda: answers() == "digits@1")
        assert ai.files.delete(uploaded.id).deleted
        # Neither the upload nor its copies in the job's folder, nor weights: only what was ordered and said.
        kept = {"recipe.json", "events.jsonl", "stderr.txt"}
        jobs = tmp_path / "state" / "jobs"
        wait_until(lambda: {path.name for path in jobs.rglob("*") if path.is_file()} == kept)
        assert not list((tmp_path / "state").rglob("data"))


@pytest.fixture
def two_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, str, openai.OpenAI]]:
    """A supervisor's process id, its URL and a client; a lease ends only where the test says so."""
    monkeypatch.setenv("DIGITSERVE_JOB_WORKERS", "2")
    monkeypatch.setenv("DIGITSERVE_JOB_LEASE_SECONDS", str(LEASE_SECONDS))
    with serving(tmp_path / "log", "--workers", "1") as (server, url), client(url) as ai:
        yield server.pid, url, ai


def worker_of(folder: Path) -> int:
    """The worker that runs the job now, by the parent of its training."""
    for pid in processes(folder):
        line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"finetune" in line:
            return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def let_lease_end(tmp_path: Path) -> None:
    """An hour goes by in which no worker is heard of. Raises DatabaseUnavailable while one that was stopped writes."""
    with closing(Database(f"sqlite:///{tmp_path / 'state' / 'digitserve.db'}", wait_seconds=1)) as database:
        with database.reading() as connection:
            left = connection.execute(select(func.max(jobs.c.lease_until) - now())).scalar_one()
        assert left is None or 15 < left <= LEASE_SECONDS  # as it was set: the default is 15
        expire(database)


def stop(worker: int, tmp_path: Path) -> None:
    """The worker is not heard of any more; not in the middle of a write, which would keep all others from theirs."""
    while True:
        os.kill(worker, signal.SIGSTOP)
        try:
            let_lease_end(tmp_path)
            return
        except DatabaseUnavailable:
            os.kill(worker, signal.SIGCONT)


def versions_of(tmp_path: Path, job: str) -> list[int]:
    registry = Registry(tmp_path / "store")
    facts = [registry.verify(Ref("digits", None, number)) for number in registry.versions("digits")]
    return [one.number for one in facts if (task := one.manifest.recipe.finetune) and task.job == job]


def test_whatever_is_killed_or_stopped_a_job_ends_once(
    tmp_path: Path, pictures: bytes, two_workers: tuple[int, str, openai.OpenAI]
) -> None:
    supervisor, address, ai = two_workers
    log = tmp_path / "log"
    uploaded = ai.files.create(file=("mine.zip", pictures), purpose="fine-tune").id
    job = ai.fine_tuning.jobs.create(model="digits", training_file=uploaded, hyperparameters={"n_epochs": 90}).id
    wait_until(lambda: len(epochs(ai, job)) >= 3)

    killed = wait_until(lambda: worker_of(tmp_path))
    os.kill(killed, signal.SIGKILL)
    in_spite_of(DatabaseUnavailable, lambda: let_lease_end(tmp_path))
    wait_until(lambda: worker_of(tmp_path) not in (0, killed))  # its training went with it: another has the job
    wait_until(lambda: len(epochs(ai, job)) >= 8)

    stopped = wait_until(lambda: worker_of(tmp_path))
    stop(stopped, tmp_path)
    wait_until(lambda: ai.fine_tuning.jobs.retrieve(job).to_dict()["attempt"] == 3)
    wait_until(lambda: len(epochs(ai, job)) >= 12)
    os.kill(stopped, signal.SIGCONT)
    until(log, "job_lost")  # the old owner wakes up, is told, and ends its training

    ended(ai, job)
    told = epochs(ai, job)
    assert told[-1] == 90  # what was trained while nobody listened is not told
    assert len(told) - len(set(told)) <= 2  # at most one is repeated by each of the two that came after
    assert len(versions_of(tmp_path, job)) == 1
    told_of = [dict(event.data) for event in ai.fine_tuning.jobs.list_events(job) if isinstance(event.data, dict)]
    states = [facts["state"] for facts in told_of if "state" in facts]
    assert states.count("succeeded") == 1 and states[0] == "succeeded"

    again = ai.fine_tuning.jobs.create(model="digits", training_file=uploaded, hyperparameters={"n_epochs": 30}).id
    wait_until(lambda: len(epochs(ai, again)) >= 3)
    before = set(processes(tmp_path))
    os.kill(supervisor, signal.SIGKILL)
    port = address.rpartition(":")[2]  # the same at once, as an operator's service manager does it
    with serving(tmp_path / "log2", "--workers", "1", "--port", port) as (_, url), client(url) as ai:
        wait_until(lambda: not before & set(processes(tmp_path)))  # nothing of before serves or trains any more
        in_spite_of(DatabaseUnavailable, lambda: let_lease_end(tmp_path))
        ended(ai, again)
        told = epochs(ai, again)
        assert told[-1] == 30 and len(told) - len(set(told)) <= 1
    assert events(tmp_path / "log2", "job_claimed")[0]["job"] == again
