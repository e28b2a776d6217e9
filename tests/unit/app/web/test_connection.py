import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import numpy as np
import pytest
from fastapi import FastAPI
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope

from app.inference.batcher import Batcher, Rows
from app.inference.engine import Engine
from app.inference.loaded import LoadedModel
from app.inference.pool import ModelPool
from app.predict import predict, read
from app.web import error_handlers
from app.web.connection import while_connected
from app.web.entry import Entry
from app.web.limits import BodyLimits
from models_store.model import Model
from models_store.registry import Registry, Version
from models_store.specs import InputSpec
from tests.support.decoding import DECODER
from tests.support.patience import PATIENCE_SECONDS, until
from tests.support.pictures import png
from training.synthetic import strokes

BODY = {"type": "http.request", "body": b"", "more_body": False}
GONE = {"type": "http.disconnect"}


def receiving(*messages: Message | asyncio.Event) -> Receive:
    """Gives the messages, waits at the events, then is silent, as a client is that waits for its answer."""
    left = list(messages)

    async def receive() -> Message:
        while left:
            first = left.pop(0)
            if not isinstance(first, asyncio.Event):
                return first
            await first.wait()
        await asyncio.sleep(PATIENCE_SECONDS)
        return GONE

    return receive


def request(*messages: Message) -> Request:
    return Request({"type": "http"}, receiving(*messages))


class Work:
    """Never ends by itself, and remembers how it ended."""

    def __init__(self) -> None:
        self.began = self.was_cancelled = False

    async def __call__(self) -> int:
        self.began = True
        try:
            await asyncio.sleep(PATIENCE_SECONDS)
            return 7
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise


async def test_a_client_that_waits_gets_the_result() -> None:
    async def work() -> int:
        await asyncio.sleep(0.001)
        return 7

    before = asyncio.all_tasks()
    assert await while_connected(request(), work()) == 7
    assert await left(before) == set()


async def left(before: set[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    """Tasks that did not end: a cancelled one does so on the next tick."""
    await asyncio.sleep(0.001)
    return asyncio.all_tasks() - before


async def test_an_exception_of_the_work_passes_on() -> None:
    async def work() -> int:
        raise ArithmeticError("7")

    before = asyncio.all_tasks()
    with pytest.raises(ArithmeticError, match="7"):
        await while_connected(request(), work())
    assert await left(before) == set()


@pytest.mark.parametrize("said", [[], [BODY], [BODY, BODY]])
async def test_work_ends_where_the_client_goes_away_first(said: list[Message]) -> None:
    before, work = asyncio.all_tasks(), Work()
    with pytest.raises(ClientDisconnect):
        await while_connected(request(*said, GONE), work())
    assert await left(before) == set()
    assert work.began and work.was_cancelled


async def test_a_result_that_is_there_already_is_not_lost() -> None:
    async def work() -> int:
        return 7

    assert await while_connected(request(GONE), work()) == 7


async def test_work_ends_where_its_own_caller_is_cancelled() -> None:
    before, work = asyncio.all_tasks(), Work()
    caller = asyncio.create_task(while_connected(request(), work()))
    await asyncio.sleep(0.001)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert await left(before) == set()
    assert work.was_cancelled


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


async def answered(app: FastAPI, *after: Message | asyncio.Event, path: str = "/v1/predict") -> list[Message]:
    """What the app sends to a client whose connection says `after` behind the request's body."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"image/png")]
    scope: Scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": path, "headers": headers}
    body = {"type": "http.request", "body": png(strokes.unit(7, np.random.default_rng(7))), "more_body": False}
    await app({**scope, "query_string": b""}, receiving(body, *after), send)
    return sent


async def test_the_row_of_a_client_that_went_away_is_never_computed(app: FastAPI, model: HeldModel) -> None:
    stays = asyncio.create_task(answered(app))
    await until(model.began.is_set)
    assert await answered(app, GONE) == []
    gone = asyncio.Event()
    leaves, waits = asyncio.create_task(answered(app, gone, GONE)), asyncio.create_task(answered(app))
    await asyncio.sleep(0.03)  # until their rows are in the queue
    gone.set()
    assert await leaves == []
    model.go.set()
    for answer in (await stays, await waits):
        assert answer[0]["status"] == 200 and b'"label":"0"' in answer[1]["body"]
    assert model.batches == [1, 1]


async def test_the_page_of_a_client_that_went_away_is_never_computed(app: FastAPI, model: HeldModel) -> None:
    stays = asyncio.create_task(answered(app))
    await until(model.began.is_set)
    gone = asyncio.Event()
    leaves = asyncio.create_task(answered(app, gone, GONE, path="/v1/read"))
    waits = asyncio.create_task(answered(app, path="/v1/read"))
    await asyncio.sleep(0.03)  # until their pages are decoded and in the queue
    gone.set()
    assert await leaves == []
    model.go.set()
    assert (await stays)[0]["status"] == 200
    answer = await waits
    assert answer[0]["status"] == 200 and b'"text":"0"' in answer[1]["body"]
    assert model.batches == [1, 1]


async def test_a_client_that_goes_away_from_the_running_batch_harms_no_other(app: FastAPI, model: HeldModel) -> None:
    gone = asyncio.Event()
    leaves = asyncio.create_task(answered(app, gone, GONE))
    await until(model.began.is_set)
    gone.set()
    assert await leaves == []
    waits = asyncio.create_task(answered(app))
    model.go.set()
    assert (await waits)[0]["status"] == 200
    assert model.batches == [1, 1]
