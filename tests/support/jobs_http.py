"""The rooms of files, jobs and models as one small app without an engine, and data sets to send to it."""

import io
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from fastapi import FastAPI
from numpy.typing import NDArray

from app import catalog
from app.feedback.store import FeedbackStore
from app.files import routes as file_routes
from app.files.inspection import Inspections
from app.files.store import FileStore
from app.jobs import routes as job_routes
from app.jobs.bounds.effort import PACE, Effort
from app.jobs.builder import JobBuilder
from app.jobs.job import Job
from app.jobs.leases import Leases
from app.jobs.needs import JobNeeds
from app.jobs.store import JobStore
from app.jobs.stream import Streams
from app.storage.db import Database
from app.web import error_handlers
from app.web.drain import Drain
from app.web.entry import Entry
from app.web.limits import BodyLimits
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.specs import InputSpec
from tests.support.decoding import DECODER
from tests.support.patience import PATIENCE_SECONDS
from tests.support.pictures import png

JOBS = "/v1/fine_tuning/jobs"
RESULT = {"version": "digits@2", "accepted": True, "gate": "accepted: better", "promoted": False, "numbers": {"a": 0.5}}


@dataclass
class Service:
    """The app, a client of it, and what a worker would hold."""

    app: FastAPI
    http: httpx.AsyncClient
    store: JobStore
    leases: Leases
    streams: Streams
    drain: Drain
    file: str = ""  # an upload of five zeros and five ones

    async def upload(self, counts: Mapping[str, int], seed: int = 0) -> str:
        """A new file with so many pictures of each label; its id."""
        return await self.send(zip_of(counts, seed))

    async def send(self, data: bytes) -> str:
        """A new file with these bytes; its id."""
        answer = await self.http.post("/v1/files", files={"file": ("a.zip", data)})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def create(self, headers: Mapping[str, str] | None = None, **fields: Any) -> httpx.Response:
        """Asks for a job that learns from `file`."""
        body = {"model": "digits", "training_file": self.file, **fields}
        return await self.http.post(JOBS, json=body, headers=headers)

    async def job(self, **fields: Any) -> str:
        """The id of a new job."""
        answer = await self.create(**fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def claim(self) -> Job:
        """The oldest job, in a worker's hands."""
        job = self.leases.claim("worker-1")
        assert job is not None
        return job

    def epoch(self, job: Job, number: int, run: str = "training", loss: float = 0.5) -> None:
        """One epoch of the job is over."""
        data = {"run": run, "epoch": number, "epochs": 3, "loss": loss, "accuracy": 0.9, "learning_rate": 0.1}
        told = {**data, "seconds": 1.0, "validation_loss": None, "validation_accuracy": None}
        assert self.leases.tell(job, "info", "metrics", f"Epoch {number}", told)

    def succeed(self, job: Job) -> None:
        """The job's version is published."""
        assert self.leases.publish(job) and self.leases.succeed(job, RESULT)


@asynccontextmanager
async def serving(
    database: Database,
    registry: Registry,
    state: Path,
    store: JobStore | None = None,
    wait_seconds: float = PATIENCE_SECONDS,
    inspections: Inspections | None = None,
    max_hours: float = 4,
    **streams: Any,
) -> AsyncIterator[Service]:
    """A service on this database and this store; `streams` are options of Streams."""
    store, drain = store or JobStore(database), Drain()
    files, watched = FileStore(database, state), Streams(store, drain, **streams)

    async def changed(_: str) -> None:
        pass

    def expected() -> InputSpec:
        return registry.resolve(Ref("digits")).manifest.input

    app = FastAPI()
    error_handlers.install(app)
    inspections = inspections or Inspections(DECODER)
    app.include_router(file_routes.router(files, expected, store.using, inspections))
    builder = JobBuilder(registry, files, FeedbackStore(database, state).per_label, min_accuracy=0.8)
    effort = Effort(lambda: PACE, max_hours)
    app.include_router(job_routes.router(store, builder, watched, inspections, effort, wait_seconds))
    app.include_router(catalog.router(registry, lambda version: None, changed, JobNeeds(database).without))
    app.add_middleware(Entry, limits=BodyLimits(2**24))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        service = Service(app, http, store, Leases(database), watched, drain)
        service.file = await service.upload({"0": 5, "1": 5})
        yield service


def zip_of(counts: Mapping[str, int], seed: int = 0) -> bytes:
    """A folder per label with so many pictures, no two of them alike: light blocks on black, laid out as MNIST's."""
    rng = np.random.default_rng(seed)
    pictures = {}
    for label, count in counts.items():
        for number in range(count):
            pixels = np.zeros((28, 28), np.uint8)
            pixels[8:20, 8:20] = rng.integers(100, 256, (12, 12))
            pictures[f"{label}/{number}.png"] = pixels
    return zipped(pictures)


def zipped(pictures: Mapping[str, NDArray[np.uint8]]) -> bytes:
    """A zip with these pictures as PNG files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, pixels in pictures.items():
            archive.writestr(name, png(pixels))
    return buffer.getvalue()
