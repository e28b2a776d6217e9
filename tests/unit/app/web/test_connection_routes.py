"""What is not computed of a request whose client has gone: the routes, the engine and the batcher together."""

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import numpy as np
import pytest
from fastapi import FastAPI
from starlette.types import Message, Scope

from app.inference.batcher import Batcher, Rows
from app.inference.engine import Engine
from app.inference.loaded import LoadedModel
from app.inference.pool import ModelPool
from app.predict import predict, read
from app.web import error_handlers
from app.web.entry import Entry
from app.web.limits import BodyLimits
from models_store.model import Model
from models_store.registry import Registry, Version
from models_store.specs import InputSpec
from tests.support.decoding import DECODER
from tests.support.lines import Line, scope
from tests.support.patience import PATIENCE_SECONDS, until
from tests.support.pictures import png
from training.synthetic import strokes


class HeldModel:
    """Answers each row with certainty for label 0, and only once it may."""

    candidate = "fp32"
    picture = InputSpec()
    labels = tuple("0123456789")

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.began, self.go = threading.Event(), threading.Event()

    def predict(self, rows: Rows) -> Rows:
        self.batches.append(len(rows))
        self.began.set()
        assert self.go.wait(PATIENCE_SECONDS)
        return np.eye(10, dtype=np.float32)[np.zeros(len(rows), int)]


@pytest.fixture
def model() -> HeldModel:
    return HeldModel()


@pytest.fixture
async def app(registry: Registry, model: HeldModel) -> AsyncIterator[FastAPI]:
    """The routes, the engine and the log as they serve, on a model that is held."""
    threads = ThreadPoolExecutor(1)

    def load(version: Version) -> LoadedModel:
        return LoadedModel(version, cast(Model, model), Batcher(model.predict, threads))

    engine = Engine(registry, "cpu", DECODER)
    engine.pool = ModelPool(registry, load, max_loaded=4)
    service = FastAPI()
    error_handlers.install(service)
    service.include_router(predict.router(engine, "digits"))
    service.include_router(read.router(engine, "digits"))
    service.add_middleware(Entry, limits=BodyLimits(2**24))
    yield service
    model.go.set()
    threads.shutdown()


async def answered(app: FastAPI, line: Line | None = None, path: str = "/v1/predict") -> list[Message]:
    """What the app sends to a client on this line."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": png(strokes.unit(7, np.random.default_rng(7))), "more_body": False}

    headers = [(b"content-type", b"image/png")]
    asked: Scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": path, "headers": headers}
    await app({**asked, "query_string": b"", **scope(line or Line())}, receive, send)
    return sent


async def test_the_row_of_a_client_that_went_away_is_never_computed(app: FastAPI, model: HeldModel) -> None:
    stays = asyncio.create_task(answered(app))
    await until(model.began.is_set)
    assert await answered(app, Line(has_gone=True)) == []
    line = Line()
    leaves, waits = asyncio.create_task(answered(app, line)), asyncio.create_task(answered(app))
    await asyncio.sleep(0.03)  # until their rows are in the queue
    line.go()
    assert await leaves == []
    model.go.set()
    for answer in (await stays, await waits):
        assert answer[0]["status"] == 200 and b'"label":"0"' in answer[1]["body"]
    assert model.batches == [1, 1]


async def test_the_page_of_a_client_that_went_away_is_never_computed(app: FastAPI, model: HeldModel) -> None:
    stays = asyncio.create_task(answered(app))
    await until(model.began.is_set)
    line = Line()
    leaves = asyncio.create_task(answered(app, line, path="/v1/read"))
    waits = asyncio.create_task(answered(app, path="/v1/read"))
    await asyncio.sleep(0.03)  # until their pages are decoded and in the queue
    line.go()
    assert await leaves == []
    model.go.set()
    assert (await stays)[0]["status"] == 200
    answer = await waits
    assert answer[0]["status"] == 200 and b'"text":"0"' in answer[1]["body"]
    assert model.batches == [1, 1]


async def test_a_client_that_goes_away_from_the_running_batch_harms_no_other(app: FastAPI, model: HeldModel) -> None:
    line = Line()
    leaves = asyncio.create_task(answered(app, line))
    await until(model.began.is_set)
    line.go()
    assert await leaves == []
    waits = asyncio.create_task(answered(app))
    model.go.set()
    assert (await waits)[0]["status"] == 200
    assert model.batches == [1, 1]
