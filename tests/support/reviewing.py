"""/v1/review alone, with corrections that are only remembered, and pictures to be kept."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from fastapi import FastAPI

from app.review.routes import router
from app.review.store import ReviewStore, Uncertain
from app.storage.db import Database
from app.web import error_handlers
from app.web.access.visitor import Visitor
from app.web.entry import Entry
from app.web.limits import BodyLimits
from models_store.pictures.stripped import strip
from tests.support.pictures import png
from tests.support.uploading import lying_in
from tests.unit.models_store.datasets.test_clean import unit

REVIEW = "/v1/review"


@dataclass(frozen=True)
class Correction:
    """What was said of a picture."""

    model: str
    label: str
    picture: bytes
    read_by: str | None
    read_as: str | None
    client: str = "127.0.0.1"  # who says it


@dataclass
class Recorder:
    """Takes corrections and remembers them; raises `error` instead where there is one."""

    taken: list[Correction] = field(default_factory=list)
    error: Exception | None = None

    def __call__(
        self, model: str, label: str, picture: bytes, *, read_by: str | None, read_as: str | None, visitor: Visitor
    ) -> None:
        if self.error is not None:
            raise self.error
        self.taken.append(Correction(model, label, picture, read_by, read_as, visitor.client))


@dataclass
class Service:
    """A running service, its store, and the folder where the bytes lie."""

    http: httpx.AsyncClient
    store: ReviewStore
    recorder: Recorder
    folder: Path

    def left(self) -> list[str]:
        """The ids whose bytes are there."""
        return lying_in(self.folder)


@asynccontextmanager
async def serving(database: Database, state_dir: Path, keeping: bool = True) -> AsyncIterator[Service]:
    """The service on a folder and a database."""
    store, recorder = ReviewStore(database, state_dir, spare_bytes=0), Recorder()
    app = FastAPI()
    error_handlers.install(app)
    app.include_router(router(store, recorder, keeping))
    app.add_middleware(Entry, limits=BodyLimits(2**24))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield Service(http, store, recorder, state_dir / "review")


def uncertain(seed: int, model: str = "digits@1", confidence: float = 0.5) -> Uncertain:
    """A picture of its own for each seed, read as a 3 that may be a 5."""
    return Uncertain(
        model=model,
        probabilities={"1": 0.0, "3": confidence, "5": round(0.9 * (1 - confidence), 6), "7": 0.0},
        stripped=strip(png(unit(seed))),
        sketch=unit(seed)[::2, ::2].tobytes(),
    )


def kept(store: ReviewStore, seed: int, model: str = "digits@1", confidence: float = 0.5) -> str:
    """Its id."""
    picture_id = store.add(uncertain(seed, model, confidence))
    assert picture_id is not None
    return picture_id
