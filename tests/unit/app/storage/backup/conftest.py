"""A small service to be kept: a store, a database with rows of every kind, and their files."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import URL, insert

from app.cli.kept import NAMES
from app.feedback.store import FeedbackStore
from app.files.store import FileStore, Upload
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.shadow.tables import differences
from app.storage.backup.make import Made, make
from app.storage.backup.places import Places
from app.storage.db import Database
from models_store.registry import Registry
from models_store.shipped_version import open_store
from tests.conftest import republished
from tests.support.correcting import put
from tests.support.ordered import order
from tests.support.patience import PATIENCE_SECONDS


def places_in(folder: Path) -> Places:
    """Where a service keeps what it has."""
    file = folder / "state" / "digitserve.db"
    return Places(folder / "store", folder / "state", URL.create("sqlite", database=str(file)), file)


@dataclass
class Kept:
    """What is there to be kept, and how more comes."""

    places: Places
    registry: Registry
    database: Database

    @property
    def feedback(self) -> FeedbackStore:
        return FeedbackStore(self.database, self.places.state)

    def correct(self, seed: int) -> str:
        """The id of a correction."""
        return put(self.feedback, seed, "7")

    def upload(self, data: bytes = b"pictures") -> str:
        """The id of a data set."""
        store = FileStore(self.database, self.places.state)
        with store.arriving(len(data)) as folder:
            (folder / "data").write_bytes(data)
            upload = Upload("x.zip", "fine-tune", len(data), "0" * 64)
            return store.add(folder, upload, {"input": {}}).id

    def job(self, base: str = "digits@1") -> str:
        """The id of a job that waits."""
        return JobStore(self.database).add(order(base=base, training_file=self.upload())).id

    def claim(self) -> tuple[str, Path]:
        """The oldest job, which a worker holds now, and the folder of its attempt, which has a checkpoint."""
        job = Leases(self.database).claim("worker-1")
        assert job is not None
        folder = self.places.state / "jobs" / job.id / f"attempt-{job.attempt}"
        folder.mkdir(parents=True)
        (folder / "training.pt").write_bytes(b"weights")
        (folder / "events.jsonl").write_bytes(b"{}")
        return job.id, folder

    def make(self, path: Path) -> Made:
        """A backup of it."""
        return make(self.places, NAMES, path)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """Two versions, two corrections, a data set, a picture that is labelled and gone, and a job that runs."""
    places = places_in(tmp_path / "here")
    registry = open_store(places.store)
    republished(registry)
    registry.promote("digits", 2, expected=1)
    with closing(Database(places.database, PATIENCE_SECONDS)) as database:
        found = Kept(places, registry, database)
        found.correct(1)
        found.correct(2)
        found.job()
        found.claim()
        gone = {
            "id": "sh-1", "shadow": "s", "created_at": 1.0, "rank": 0.5, "crowd": 1, "turned": 0, "champion_label": "1",
            "challenger_label": "7", "champion_confidence": 0.5, "challenger_confidence": 0.5, "sha256": "0" * 64,
            "label": "7",
        }  # fmt: skip
        with database.writing() as connection:
            connection.execute(insert(differences).values(gone))
        yield found
