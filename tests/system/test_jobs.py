"""Fine-tune jobs on a real server with real workers: the story as the `openai` package tells it, and what kills."""

import io
import os
import signal
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
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
from tests.conftest import EXAMPLES, set_apart
from tests.support.ordered import expire
from tests.support.patience import PATIENCE_SECONDS, in_spite_of, wait_until
from tests.system.harness import caller, drawn, events, serving, small_champion

LEASE_SECONDS = 600
ENDED = ("succeeded", "failed", "cancelled")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A zip of sixty drawn digits, a folder per label."""
    folder, buffer = drawn(tmp_path_factory.mktemp("pictures"), range(10), 6), io.BytesIO()
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


def epochs_of(events: list[Any]) -> list[int]:
    """The training's epochs of these events, in the order in which they were told. The newest event comes first."""
    facts = [dict(event.data) for event in events[::-1] if event.type == "metrics" and isinstance(event.data, dict)]
    return [int(fact["epoch"]) for fact in facts if fact["run"] == "training"]


def epochs(ai: openai.OpenAI, job: str) -> list[int]:
    return epochs_of(list(ai.fine_tuning.jobs.list_events(job, limit=100)))


def until_epoch(ai: openai.OpenAI, job: str, number: int) -> None:
    """Waits until it was told; who asks so often asks for the newest events only."""

    def newest() -> int:
        return max(epochs_of(ai.fine_tuning.jobs.list_events(job, limit=5).data), default=0)

    wait_until(lambda: newest() >= number, progress=newest)


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


@dataclass(frozen=True)
class Running:
    """A server with two workers and all that it keeps; a lease ends only where a test says so."""

    folder: Path
    supervisor: int  # its process id
    url: str
    ai: openai.OpenAI

    @property
    def log(self) -> Path:
        return self.folder / "log"


@contextmanager
def two_workers(folder: Path, *arguments: str) -> Iterator[Running]:
    """On the store and the state in the folder."""
    with pytest.MonkeyPatch.context() as environment:
        set_apart(environment, folder)
        environment.setenv("DIGITSERVE_JOB_WORKERS", "2")
        environment.setenv("DIGITSERVE_JOB_LEASE_SECONDS", str(LEASE_SECONDS))
        with serving(folder / "log", "--workers", "1", *arguments) as (server, url), client(url) as ai:
            yield Running(folder, server.pid, url, ai)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """For all tests here, with a champion that is small."""
    folder = tmp_path_factory.mktemp("running")
    small_champion(folder / "store")
    with two_workers(folder) as running:
        yield running


def test_the_openai_package_drives_the_whole_story(running: Running, pictures: bytes) -> None:
    ai, url, state = running.ai, running.url, running.folder / "state"
    uploaded = ai.files.create(file=("mine.zip", pictures), purpose="fine-tune")
    assert uploaded.status == "processed"
    assert ai.files.content(uploaded.id).read() == pictures
    method: Any = {"type": "supervised", "supervised": {"promote": "if_better", "hyperparameters": {"n_epochs": 8}}}
    job = ai.fine_tuning.jobs.create(model="digits", training_file=uploaded.id, method=method, seed=3)
    assert job.status in ("queued", "running")
    assert [one.id for one in ai.fine_tuning.jobs.list()] == [job.id]
    done = ended(ai, job.id)
    assert done.fine_tuned_model == "digits@3"
    assert epochs(ai, job.id) == list(range(1, 9))
    assert [point.step_number for point in ai.fine_tuning.jobs.checkpoints.list(job.id)] == list(range(8, 0, -1))
    made: Any = ai.models.retrieve("digits@3")
    assert (made.parent, made.job) == ("digits@2", job.id)
    assert [model.id for model in ai.models.list()] == ["digits"]
    seven = (EXAMPLES / "7.png").read_bytes()

    def answers() -> str:
        sent = httpx.post(
            f"{url}/v1/predict", content=seven, headers={"content-type": "image/png"}, timeout=PATIENCE_SECONDS
        )
        assert sent.status_code == 200
        return str(sent.json()["model"])

    assert made.aliases == ["champion"], done.to_dict()["result"]
    wait_until(lambda: answers() == "digits@3")
    httpx.post(f"{url}/v1/models/digits/rollback", timeout=PATIENCE_SECONDS).raise_for_status()
    wait_until(lambda: answers() == "digits@2")
    assert ai.files.delete(uploaded.id).deleted
    # Neither the upload nor its copies in the job's folder, nor weights: only what was ordered and said.
    kept = {"recipe.json", "events.jsonl", "stderr.txt"}
    wait_until(lambda: {path.name for path in (state / "jobs").rglob("*") if path.is_file()} == kept)
    assert not list(state.rglob("data"))


def worker_of(folder: Path) -> int:
    """The worker that runs the job now, by the parent of its training."""
    for pid in processes(folder):
        line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"finetune" in line:
            return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def let_lease_end(folder: Path) -> None:
    """An hour goes by in which no worker is heard of. Raises DatabaseUnavailable while one that was stopped writes."""
    with closing(Database(f"sqlite:///{folder / 'state' / 'digitserve.db'}", wait_seconds=1)) as database:
        with database.reading() as connection:
            left = connection.execute(select(func.max(jobs.c.lease_until) - now())).scalar_one()
        assert left is None or 15 < left <= LEASE_SECONDS  # as it was set: the default is 15
        expire(database)


def versions_of(folder: Path, job: str) -> list[int]:
    registry = Registry(folder / "store")
    facts = [registry.verify(Ref("digits", None, number)) for number in registry.versions("digits")]
    return [one.number for one in facts if (task := one.manifest.recipe.finetune) and task.job == job]


def ended_once(running: Running, job: str, count: int, deaths: int) -> None:
    """All its epochs were told, and one version came of it; at most one epoch is repeated after each death."""
    ended(running.ai, job)
    told = epochs(running.ai, job)
    assert told[-1] == count  # what was trained while nobody listened is not told
    assert len(told) - len(set(told)) <= deaths
    assert len(versions_of(running.folder, job)) == 1
    events = running.ai.fine_tuning.jobs.list_events(job)
    told_of = [dict(event.data) for event in events if isinstance(event.data, dict)]
    states = [facts["state"] for facts in told_of if "state" in facts]
    assert states.count("succeeded") == 1 and states[0] == "succeeded"


def test_whatever_is_killed_a_job_ends_once(running: Running, pictures: bytes) -> None:
    """Its worker first, then the server with the next one."""
    ai, folder = running.ai, running.folder
    uploaded = ai.files.create(file=("mine.zip", pictures), purpose="fine-tune").id
    job = ai.fine_tuning.jobs.create(model="digits", training_file=uploaded, hyperparameters={"n_epochs": 60}).id
    until_epoch(ai, job, 3)

    killed = wait_until(lambda: worker_of(folder))
    os.kill(killed, signal.SIGKILL)
    in_spite_of(DatabaseUnavailable, lambda: let_lease_end(folder))
    wait_until(lambda: worker_of(folder) not in (0, killed))  # its training went with it: another has the job
    until_epoch(ai, job, 8)

    before = set(processes(folder))
    os.kill(running.supervisor, signal.SIGKILL)
    running.log.rename(folder / "first")
    port = running.url.rpartition(":")[2]  # the same at once, as an operator's service manager does it
    with two_workers(folder, "--port", port) as again:
        wait_until(lambda: not before & set(processes(folder)))  # nothing of before serves or trains any more
        in_spite_of(DatabaseUnavailable, lambda: let_lease_end(folder))
        ended_once(again, job, 60, deaths=2)
    assert events(folder / "log", "job_claimed")[0]["job"] == job
