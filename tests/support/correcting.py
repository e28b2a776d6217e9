"""/v1/feedback with the room of files beside it, pictures to correct, and jobs that learn from them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from app.decoding.decoder import Decoder
from app.feedback import routes, sheet
from app.feedback.givers import Givers
from app.feedback.held import HeldBack
from app.feedback.intake import Intake
from app.feedback.lessons import Lessons
from app.feedback.lineage import Lineage
from app.feedback.store import FeedbackStore
from app.files import routes as file_routes
from app.files.inspection import Inspections
from app.files.store import FileStore
from app.jobs.corrections import Corrections, mark
from app.jobs.folder import AttemptFolders
from app.jobs.job import FEEDBACK as FEEDBACK_SET
from app.jobs.job import Job
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.storage.db import Database
from app.web import error_handlers
from app.web.entry import Entry
from app.web.limits import BodyLimits
from models_store.datasets import formats
from models_store.datasets.rows import Row
from models_store.pictures.stripped import Stripped, strip
from models_store.registry import Registry
from models_store.specs import InputSpec
from tests.support.decoding import DECODER
from tests.support.patience import PATIENCE_SECONDS
from tests.support.pictures import png
from tests.support.uploading import lying_in
from tests.unit.models_store.datasets.test_clean import unit

FEEDBACK = "/v1/feedback"
MAX_BODY = 2**20


@dataclass(frozen=True)
class Service:
    """A running service: its client, its store, and the folder where the pictures lie."""

    http: httpx.AsyncClient
    app: FastAPI
    store: FeedbackStore
    intake: Intake
    folder: Path

    def left(self) -> list[str]:
        """The names in the folder: one per correction, and whatever should not be there."""
        return lying_in(self.folder)

    async def post(self, picture: bytes, **fields: str) -> httpx.Response:
        """A correction as a form."""
        return await self.http.post(FEEDBACK, files={"file": ("x.png", picture)}, data=fields)

    async def given(self, picture: bytes, **fields: str) -> dict[str, Any]:
        """The record of a correction that is taken."""
        answer = await self.post(picture, **fields)
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())


@asynccontextmanager
async def serving(
    database: Database,
    registry: Registry,
    state: Path,
    job_after: int = 0,
    wait_seconds: float = PATIENCE_SECONDS,
    decoder: Decoder = DECODER,
    **options: int,
) -> AsyncIterator[Service]:
    """The service on this database and this store; `options` are those of FeedbackStore."""
    store = FeedbackStore(database, state, **options)
    app = FastAPI()
    error_handlers.install(app)
    intake = Intake(registry, store, max_image_pixels=16_000_000, giver_of=Givers(database).of)
    sheets = HeldBack(database, store), Lineage(database, registry)
    app.include_router(sheet.router(store, *sheets, intake, wait_seconds))
    app.include_router(routes.router(store, intake, decoder, "digits", job_after, wait_seconds))
    files, jobs = FileStore(database, state), JobStore(database)
    app.include_router(file_routes.router(files, InputSpec, jobs.using, Inspections(DECODER)))
    app.add_middleware(Entry, limits=BodyLimits(MAX_BODY))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield Service(http, app, store, intake, state / "feedback")


def picture(seed: int) -> bytes:
    """A PNG in MNIST's format, another for each seed."""
    return png(unit(seed))


def kept(seed: int) -> Stripped:
    """The same, ready to be kept."""
    return strip(picture(seed))


def put(store: FeedbackStore, seed: int, label: str, model: str = "digits", giver: str | None = None) -> str:
    """The id of a correction."""
    return store.add(model, label, kept(seed), read_by="digits@1", read_as=None, giver=giver).correction.id


class Teacher:
    """A worker's side of corrections, on this database and this store. It remembers what it said of jobs."""

    def __init__(
        self, database: Database, feedback: FeedbackStore, registry: Registry, root: Path, share: float = 0.25
    ) -> None:
        self.said: list[str] = []
        self.lineage = Lineage(database, registry)
        self.lessons = Lessons(feedback, self.lineage, share)
        learned = Corrections(database, feedback, self.lessons, lambda job, sentence: self.said.append(sentence))
        self.leases = Leases(database, on_success=mark)
        self.folders = AttemptFolders(root, _no_file, learned.write)

    def claimed(self) -> Job:
        """The oldest job, in this worker's hands."""
        job = self.leases.claim("worker-1")
        assert job is not None
        return job

    def teach(self, job: Job) -> Path:
        """The folder of this attempt, with what it is given."""
        return self.folders.prepare(job)

    def given(self, job: Job) -> Mapping[str, str]:
        """What the training of this attempt reads: names and labels."""
        rows = list(formats.read(self.teach(job) / FEEDBACK_SET))
        return {row.where: row.label for row in rows if isinstance(row, Row)}

    def succeed(self, job: Job, version: str = "digits@2", *, accepted: bool = True) -> None:
        """The job ends with a version."""
        result = {"version": version, "accepted": accepted, "gate": "as it is played", "promoted": False}
        assert self.leases.publish(job) and self.leases.succeed(job, result)


def _no_file(name: str) -> Path:
    raise AssertionError(f"no file is asked for: {name}")
