"""How many streams one client may have, and how long one lives."""

import sys
from contextlib import AsyncExitStack, closing
from pathlib import Path

import httpx
import pytest

from app.storage.db import Database
from models_store.registry import Registry
from tests.integration.jobs.test_stream import STREAM, listening, told, until_open
from tests.support.jobs_http import JOBS
from tests.support.patience import PATIENCE_SECONDS


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a machine has one address of its own")
async def test_one_client_leaves_places_for_others(registry: Registry, tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'jobs.db'}")) as database:
        async with listening(database, registry, tmp_path / "state", most=4, most_of_client=2) as service:
            job_id = await service.job()
            async with AsyncExitStack() as streams:
                opened = [await streams.enter_async_context(told(service, job_id)) for _ in range(2)]
                for stream in opened:
                    await stream.block()
                await until_open(service, 2)
                refused = await service.http.get(f"{JOBS}/{job_id}/events", headers=STREAM)
                assert (refused.status_code, refused.json()["code"]) == (503, "too_many_streams")
                assert "2 streams go to your address" in refused.json()["detail"]
                elsewhere = httpx.AsyncHTTPTransport(local_address="127.0.0.9")
                service.http = await streams.enter_async_context(
                    httpx.AsyncClient(base_url=service.http.base_url, transport=elsewhere, timeout=PATIENCE_SECONDS)
                )
                async with told(service, job_id) as another:
                    assert "retry" in await another.block()
                    await until_open(service, 3)
            await until_open(service, 0)


async def test_a_place_that_was_given_back_is_given_again(registry: Registry, tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'jobs.db'}")) as database:
        async with listening(database, registry, tmp_path / "state", most_of_client=1) as service:
            job_id = await service.job()
            for _ in range(3):
                async with told(service, job_id) as stream:
                    assert "retry" in await stream.block()
                await until_open(service, 0)


async def test_a_stream_ends_after_its_time_and_the_next_goes_on(registry: Registry, tmp_path: Path) -> None:
    """However slow the machine is: its time begins with the first look, which tells all that there is."""
    with closing(Database(f"sqlite:///{tmp_path / 'jobs.db'}")) as database:
        async with listening(database, registry, tmp_path / "state", life_seconds=0.2) as service:
            job_id = await service.job()
            async with told(service, job_id) as stream:
                assert [number for number, _ in await stream.rest()] == ["1"]  # and no `end`
            await until_open(service, 0)
            service.store.cancel(job_id)
            async with told(service, job_id, **{"last-event-id": "1"}) as stream:
                assert [number for number, _ in await stream.rest()] == ["2", "end"]
