"""Four workers on one database and forty jobs: each is trained once, whoever gets it."""

import dataclasses
import json
import threading
from collections import Counter
from functools import partial
from pathlib import Path

from app.jobs.attempt import Attempt
from app.jobs.folder import AttemptFolders
from app.jobs.housekeeping import Housekeeping
from app.jobs.job import State
from app.jobs.leases import Leases
from app.jobs.promotion import Promoter
from app.jobs.store import JobStore
from app.jobs.worker import Worker
from app.storage.db import Database
from models_store.registry import Registry
from tests.support.ordered import add_file, order
from tests.support.patience import PATIENCE_SECONDS, wait_until

JOBS, WORKERS = 40, 4


class Instant:
    """Trainings that are ready at once and end as soon as they have leave; it counts them."""

    def __init__(self) -> None:
        self.begun: Counter[str] = Counter()

    def start(self, folder: Path) -> "_Run":
        self.begun[folder.parent.name] += 1
        (folder / "events.jsonl").write_text('{"event": "ready"}\n')
        return _Run(folder)


@dataclasses.dataclass
class _Run:
    folder: Path
    ended: int | None = None

    def code(self) -> int | None:
        if self.ended is None and (self.folder / "go").exists():
            with (self.folder / "events.jsonl").open("a") as lines:
                result = {"event": "result", "version": "digits@1", "accepted": True, "gate": "accepted"}
                lines.write(json.dumps(result) + "\n")
            self.ended = 0
        return self.ended

    def cpu_seconds(self) -> float | None:
        return 0.0

    def terminate(self) -> None:
        self.ended = 143

    def kill(self) -> None:
        self.ended = -9


def test_forty_jobs_run_once_each(database: Database, registry: Registry, tmp_path: Path) -> None:
    store, launcher = JobStore(database), Instant()
    leases = Leases(database, lease_seconds=PATIENCE_SECONDS)  # who gets no processor loses nothing
    add_file(database)
    ids = {store.add(order()).id for _ in range(JOBS)}
    done = threading.Event()
    (tmp_path / "upload").write_bytes(b"pictures")
    folders = AttemptFolders(tmp_path / "jobs", lambda _: tmp_path / "upload")
    attempt = partial(
        Attempt, leases=leases, launcher=launcher, promoter=Promoter(registry), folders=folders, stall_seconds=60
    )

    def work() -> None:
        Worker(leases, attempt, Housekeeping(leases, folders, 7)).work(wait)

    def wait(seconds: float) -> bool:
        return done.wait(min(seconds, 0.005))

    def states() -> list[tuple[State, int]]:
        return [(job.state, job.attempt) for job in store.list(JOBS)[0]]

    workers = [threading.Thread(target=work) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    try:
        wait_until(lambda: {state for state, _ in states()} == {State.SUCCEEDED}, progress=states)
    finally:
        done.set()
        for worker in workers:
            worker.join()
    assert launcher.begun == dict.fromkeys(ids, 1)
    ended = store.list(JOBS)[0]
    assert {(job.state, job.attempt) for job in ended} == {(State.SUCCEEDED, 1)}
    assert {job.id for job in ended} == ids
