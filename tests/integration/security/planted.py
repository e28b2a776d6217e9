"""A picture like no other, a home with all that keeps pictures, and a search through every byte of it."""

import base64
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.feedback.lessons import Lessons
from app.feedback.lineage import Lineage
from app.feedback.store import FeedbackStore
from app.files.store import DATA, FileStore, Upload
from app.jobs import corrections
from app.jobs.folder import AttemptFolders
from app.jobs.housekeeping import Housekeeping
from app.jobs.job import Job
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.review.store import ReviewStore, Uncertain
from app.shadow.keeper import ShadowKeeper
from app.shadow.sample import Sample
from app.storage import journal
from app.storage.db import Database
from models_store.pictures.stripped import Stripped, strip
from models_store.registry import Registry
from tests.support.ordered import order
from tests.support.pictures import png

LONG_AGO = 1.0


@dataclass(frozen=True)
class Planted:
    """A picture like no other, and what of it may lie about."""

    sent: bytes
    stripped: Stripped
    sketch: bytes

    @classmethod
    def of(cls, seed: int) -> "Planted":
        rng = np.random.default_rng(seed)
        sent = png(rng.integers(0, 256, (150, 130), dtype=np.uint8))
        return cls(sent, strip(sent), rng.integers(1, 256, 196, dtype=np.uint8).tobytes())

    def traces(self) -> dict[str, bytes]:
        """Pieces out of the middle, so that no header is taken for the picture."""
        pixels = {"picture": self.stripped.png, "thumbnail": self.stripped.thumbnail, "sent": self.sent}
        found = {name: data[len(data) // 2 :][:24] for name, data in pixels.items()}
        digest = self.stripped.sha256
        found |= {"digest": digest.encode(), "raw digest": bytes.fromhex(digest), "sketch": self.sketch[80:110]}
        return found | {"base64": base64.b64encode(self.sent)[4000:4040]}


@dataclass
class Home:
    """A state folder with all that keeps pictures in it, on SQLite."""

    state: Path
    registry: Registry
    database: Database

    def __post_init__(self) -> None:
        self.feedback = FeedbackStore(self.database, self.state, spare_bytes=0)
        self.review = ReviewStore(self.database, self.state, kept_days=30, spare_bytes=0)
        self.files = FileStore(self.database, self.state, spare_bytes=0)
        self.sample = Sample(self.database, self.state, spare_bytes=0)
        self.keeper = ShadowKeeper(self.registry, self.database, self.sample)
        self.jobs, self.leases = JobStore(self.database), Leases(self.database, on_success=corrections.mark)
        lessons = Lessons(self.feedback, Lineage(self.database, self.registry), 0.25)
        learned = corrections.Corrections(self.database, self.feedback, lessons, lambda job, said: None)
        self.folders = AttemptFolders(self.state / "jobs", self.files.path, learned.write)
        self.tidy = Housekeeping(self.leases, self.folders, 7)

    def correct(self, planted: Planted, giver: str = "key:0a1b") -> str:
        """Its id."""
        said = {"read_by": "digits@1", "read_as": "1", "giver": giver}
        return self.feedback.add("digits", "7", planted.stripped, **said).correction.id

    def doubt(self, planted: Planted) -> str:
        found = self.review.add(Uncertain("digits@1", {"3": 0.5, "5": 0.4}, planted.stripped, planted.sketch))
        assert found is not None
        return found

    def upload(self, data: bytes) -> str:
        with self.files.arriving(len(data)) as folder:
            (folder / DATA).write_bytes(data)
            return self.files.add(folder, Upload("mine.zip", "fine-tune", len(data), "0" * 64), {}).id

    def job(self, file: str) -> Job:
        """One that a worker has begun with."""
        self.jobs.add(order(training_file=file, base="digits@1", model="digits", publish_to="digits"))
        job = self.leases.claim("me")
        assert job is not None
        self.folders.prepare(job)
        return job

    def dated(self, table: str, column: str) -> None:
        with self.database.writing() as connection:
            connection.exec_driver_sql(f"UPDATE {table} SET {column} = {LONG_AGO}")

    def found(self, planted: Planted) -> set[str]:
        """Which traces are anywhere in the state, one minute later."""
        journal.empty(self.state / "digitserve.db")
        traces = planted.traces()
        places = [path for path in self.state.rglob("*") if path.is_file()]
        everything = [path.read_bytes() for path in places if ".ballast" not in path.parts]
        return {name for name, trace in traces.items() if any(trace in data for data in everything)}
