"""A job's events as a stream, over real connections: replayed, live, and gone with whoever listened."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from app.errors import DatabaseUnavailable
from app.jobs.job import JobEvent
from app.jobs.store import JobStore
from app.storage.db import Database
from app.web.access.visitor import Visitor
from app.web.head import Head
from models_store.registry import Registry
from tests.contracts.test_errors import check_shape
from tests.support.jobs_http import JOBS, RESULT, Service, serving
from tests.support.patience import PATIENCE_SECONDS, until

STREAM = {"accept": "text/event-stream"}


class Interrupted(JobStore):
    """A store whose database is down while `down`."""

    down = False
    refused = 0

    def events(self, *details: Any, **options: Any) -> tuple[Sequence[JobEvent], bool]:
        if self.down:
            self.refused += 1
            raise DatabaseUnavailable("database_unavailable", "The database does not answer.")
        return super().events(*details, **options)


@asynccontextmanager
async def listening(database: Database, registry: Registry, state: Path, **streams: Any) -> AsyncIterator[Service]:
    """A service on a port of its own, because a stream through httpx's own transport would be read whole."""
    options = {"poll_seconds": 0.01, "beat_seconds": 60.0, **streams}
    async with serving(database, registry, state, Interrupted(database), **options) as service:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = uvicorn.Server(uvicorn.Config(Head(service.app), lifespan="off", ws="none", log_config=None))
            serve = asyncio.create_task(server.serve(sockets=[listener]))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            try:
                async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as http:
                    service.http = http
                    yield service
            finally:
                server.should_exit = True
                await serve


@pytest.fixture
async def service(registry: Registry, tmp_path: Path) -> AsyncIterator[Service]:
    with closing(Database(f"sqlite:///{tmp_path / 'jobs.db'}")) as database:
        async with listening(database, registry, tmp_path / "state", most=2) as running:
            yield running


class Told:
    """What came over a stream, block by block."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def block(self) -> dict[str, str]:
        """The fields of the next event or comment; empty where the stream has ended."""
        fields: dict[str, str] = {}
        async for line in self._lines:
            if not line and fields:
                return fields
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
        return {}

    async def rest(self) -> list[tuple[str, Any]]:
        """(id or `end`, data) of all events until the stream ends."""
        found = []
        while block := await self.block():
            if "data" in block:
                found.append((block.get("id") or block["event"], json.loads(block["data"])))
        return found


@asynccontextmanager
async def told(service: Service, job_id: str, **headers: str) -> AsyncIterator[Told]:
    async with service.http.stream("GET", f"{JOBS}/{job_id}/events", headers=STREAM | headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Told(answer)


async def until_open(service: Service, count: int) -> None:
    await until(lambda: service.streams.open == count, lambda: service.streams.open)


async def test_what_was_is_replayed_and_what_comes_is_told_until_the_end(service: Service) -> None:
    job_id = await service.job()
    async with told(service, job_id) as stream:
        assert int((await stream.block())["retry"]) > 0
        first = await stream.block()
        assert (first["id"], json.loads(first["data"])["message"]) == ("1", "The job waits for its turn.")
        job = service.claim()
        assert (await stream.block())["id"] == "2"
        service.epoch(job, 1)
        epoch = json.loads((await stream.block())["data"])
        assert (epoch["type"], epoch["data"]["loss"]) == ("metrics", 0.5)
        service.succeed(job)
        (number, last), (name, shown) = await stream.rest()
    assert (number, last["data"]) == ("4", {"state": "succeeded"})
    assert (name, shown["id"], shown["status"], shown["result"]) == ("end", job_id, "succeeded", RESULT)
    assert shown == (await service.http.get(f"{JOBS}/{job_id}")).json()
    await until_open(service, 0)


async def test_nothing_is_told_twice_and_nothing_left_out(service: Service) -> None:
    job_id = await service.job()
    job = service.claim()
    for number in range(120):  # more than are read at once
        service.epoch(job, number + 1)
    service.succeed(job)
    async with told(service, job_id) as stream:
        whole = await stream.rest()
    assert [number for number, _ in whole] == [*map(str, range(1, 124)), "end"]
    async with told(service, job_id, **{"last-event-id": "110"}) as stream:
        assert await stream.rest() == whole[110:]
    async with told(service, job_id, **{"last-event-id": "123"}) as stream:
        assert await stream.rest() == whole[-1:]


@pytest.mark.parametrize(
    ("last", "ids"), [("999999999", ["2", "end"]), ("9" * 40, ["1", "2", "end"]), ("x", ["1", "2", "end"])]
)
async def test_a_last_event_id_that_never_was(service: Service, last: str, ids: list[str]) -> None:
    job_id = await service.job()
    async with told(service, job_id, **{"last-event-id": last}) as stream:
        assert "retry" in await stream.block()
        service.store.cancel(job_id)
        assert [number for number, _ in await stream.rest()] == ids


async def test_a_pause_is_no_end(service: Service) -> None:
    job_id = await service.job()
    async with told(service, job_id) as stream:
        service.store.pause(job_id)
        service.store.resume(job_id)
        service.store.cancel(job_id)
        assert [number for number, _ in await stream.rest()] == ["1", "2", "3", "4", "end"]


async def test_a_process_that_drains_ends_its_streams_without_an_end(service: Service) -> None:
    async with told(service, await service.job()) as stream:
        await stream.block()
        service.drain.begin()
        assert "end" not in [number for number, _ in await stream.rest()]


async def test_a_stream_ends_without_an_end_when_its_visitor_counts_no_longer(
    registry: Registry, tmp_path: Path
) -> None:
    revoked: set[str] = set()

    async def counts(visitor: Visitor) -> bool:
        return visitor.client not in revoked

    with closing(Database(f"sqlite:///{tmp_path / 'jobs.db'}")) as database:
        async with (
            listening(database, registry, tmp_path / "state", counts=counts) as service,
            told(service, await service.job()) as stream,
        ):
            await stream.block()
            assert (await stream.block())["id"] == "1"
            revoked.add("127.0.0.1")
            service.claim()
            assert "end" not in [number for number, _ in await stream.rest()]


async def test_a_stream_whose_client_left_ends_and_its_place_is_free(service: Service) -> None:
    job_id = await service.job()
    async with told(service, job_id) as first, told(service, job_id) as second:
        await first.block()
        await second.block()
        await until_open(service, 2)
        refused = await service.http.get(f"{JOBS}/{job_id}/events", headers=STREAM)
        check_shape(refused)
        assert (refused.status_code, refused.json()["code"]) == (503, "too_many_streams")
    await until_open(service, 0)
    async with told(service, job_id) as again:
        assert "retry" in await again.block()


async def test_a_quiet_stream_says_that_it_lives(registry: Registry, tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'jobs.db'}")) as database:
        async with (
            listening(database, registry, tmp_path / "state", beat_seconds=0.02) as service,
            told(service, await service.job()) as stream,
        ):
            blocks = [await stream.block() for _ in range(4)]
    assert [set(block) for block in blocks] == [{"retry"}, {"data", "id"}, {""}, {""}]  # a comment begins with a colon


async def test_a_database_that_comes_back_has_lost_nothing(service: Service) -> None:
    job_id = await service.job()
    store = service.store
    assert isinstance(store, Interrupted)
    async with told(service, job_id) as stream:
        await stream.block()
        store.down = True
        store.cancel(job_id)
        await until(lambda: store.refused)
        store.down = False
        assert [number for number, _ in await stream.rest()] == ["1", "2", "end"]


async def test_one_address_answers_both_ways(service: Service) -> None:
    job_id = await service.job()
    service.store.cancel(job_id)
    url = f"{JOBS}/{job_id}/events"
    for accept in ("application/json", "*/*", "text/html"):
        assert (await service.http.get(url, headers={"accept": accept})).json()["object"] == "list"
    for accept in ("text/event-stream", "application/json, Text/Event-Stream;q=0.9"):
        answer = await service.http.get(url, headers={"accept": accept})
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"


async def test_head_of_a_stream_ends_at_its_headers(service: Service) -> None:
    address = f"{JOBS}/{await service.job()}/events"
    head = await service.http.head(address, headers=STREAM)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream") and head.headers["cache-control"] == "no-store"
    await until(lambda: service.streams.open == 0)  # its place is free again
    page = await service.http.head(address)
    assert int(page.headers["content-length"]) == len((await service.http.get(address)).content)
