"""A training that a test plays, and the world in which a worker attempts it: a real database, a real store."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.jobs.attempt import Attempt
from app.jobs.folder import AttemptFolders
from app.jobs.job import Job, JobEvent, JobSpec
from app.jobs.launcher import Launcher
from app.jobs.leases import Leases
from app.jobs.promotion import Promoter
from app.jobs.store import JobStore
from app.storage.db import Database
from models_store.registry import Registry
from tests.support.ordered import add_file, order
from tests.support.patience import PATIENCE_SECONDS

ORDER = order(training_file="file-a")
NUMBERS = {
    "loss": 0.5, "accuracy": 0.9, "learning_rate": 0.1, "seconds": 1.5, "validation_loss": None,
    "validation_accuracy": None,
}  # fmt: skip
EPOCH = {"event": "epoch", "run": "training", "number": 1, "epochs": 2, **NUMBERS}
RESULT = {"event": "result", "version": "digits@2", "accepted": True, "gate": "accepted: better"}


class Played:
    """A training that does one step at each look of the worker: `says` lines, or ends with a code."""

    def __init__(self, *steps: dict[str, Any] | int | Callable[[], object] | None, stubborn: bool = False) -> None:
        self.steps = list(steps)
        self.ended: int | None = None
        self.cpu = 0.0
        self.stubborn = stubborn
        self.signals: list[str] = []

    def start(self, folder: Path) -> "Played":
        self.folder = folder
        (folder / "events.jsonl").touch()
        return self

    def step(self) -> None:
        step = self.steps.pop(0) if self.steps else None
        if isinstance(step, int):
            self.ended = step
        elif isinstance(step, dict):
            with (self.folder / "events.jsonl").open("a") as file:
                file.write(json.dumps(step) + "\n")
        elif step is not None:
            step()

    def code(self) -> int | None:
        return self.ended

    def cpu_seconds(self) -> float | None:
        return self.cpu

    def terminate(self) -> None:
        self.signals.append("TERM")
        self.ended = self.ended if self.stubborn else 143

    def kill(self) -> None:
        self.signals.append("KILL")
        self.ended = -9


class World:
    """A database with one queued job, a store with two versions, and a clock that only waiting moves."""

    def __init__(self, tmp_path: Path, registry: Registry) -> None:
        self.database = Database(f"sqlite:///{tmp_path / 'jobs.db'}", PATIENCE_SECONDS)
        self.store, self.leases = JobStore(self.database), Leases(self.database)
        self.registry, self.root = registry, tmp_path / "jobs"
        self.upload = tmp_path / "upload"
        self.upload.write_bytes(b"pictures")
        add_file(self.database, "file-a")
        self.path_of: Callable[[str], Path] = lambda _: self.upload
        self.now = 0.0
        self.stop_at = float("inf")
        self.played = Played()

    def queued(self, order: JobSpec = ORDER) -> str:
        return self.store.add(order, job_id="ftjob-1").id

    def attempt(self, played: Played, leases: Leases | None = None) -> Job:
        """Claims the job and runs one attempt at it; the job after it."""
        job = self.leases.claim("me")
        assert job is not None
        self.played = played
        self.attempt_at(job, played, leases).run(self.wait)
        return self.store.get(job.id)

    def attempt_at(
        self, job: Job, launcher: Launcher, leases: Leases | None = None, max_seconds: float = math.inf
    ) -> Attempt:
        """An attempt at a claimed job, on this world's clock."""
        promoter = Promoter(self.registry)
        leases = leases or self.leases
        return Attempt(job, leases, launcher, promoter, self.folders, 60, max_seconds, clock=lambda: self.now)

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        self.played.step()
        return self.now >= self.stop_at

    def events(self) -> list[JobEvent]:
        return list(self.store.events("ftjob-1", 100)[0])

    @property
    def folders(self) -> AttemptFolders:
        return AttemptFolders(self.root, self.path_of)

    @property
    def champion(self) -> int:
        return self.registry.aliases("digits")["champion"]
