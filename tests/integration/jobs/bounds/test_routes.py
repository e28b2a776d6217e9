"""How much a request about jobs may ask for: every parameter has an end, and a clear answer there."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from app.storage.db import Database
from models_store.registry import Registry
from tests.integration.jobs.test_routes import code, service
from tests.support.jobs_http import JOBS, Service, serving

__all__ = ["service"]  # the fixture


@pytest.mark.parametrize(
    "query",
    [
        "&".join(f"metadata[k{number}]=v" for number in range(17)),
        f"metadata[{'k' * 65}]=v",
        f"metadata[k]={'v' * 513}",
    ],
)
async def test_filters_have_an_end(service: Service, query: str) -> None:
    answer = await service.http.get(f"{JOBS}?{query}")
    assert code(answer) == (422, "bad_filter") and "at most 16 keys" in answer.json()["detail"]


async def test_a_thousand_of_them_are_refused_too(service: Service) -> None:
    answer = await service.http.get(f"{JOBS}?" + "&".join(f"metadata[k{number}]=v" for number in range(1000)))
    assert code(answer)[0] == 422 and len(answer.content) < 1000


async def test_as_many_as_a_job_has_are_looked_for(service: Service) -> None:
    pairs = {f"k{number}" + "ä" * 60: "v" * 512 for number in range(16)}
    made = await service.job(metadata=pairs)
    await service.job(metadata={**pairs, "k3" + "ä" * 60: "w"})
    query = "&".join(f"metadata[{quote(key)}]={value}" for key, value in pairs.items())
    assert [job["id"] for job in (await service.http.get(f"{JOBS}?{query}")).json()["data"]] == [made]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"metadata": {f"k{number}": "v" for number in range(17)}}, 422),
        ({"metadata": {"k" * 65: "v"}}, 422),
        ({"metadata": {"k": "v" * 513}}, 422),
        ({"model": "d" * 201}, 422),
        ({"training_file": "f" * 65}, 422),
        ({"suffix": "s" * 63}, 422),
        ({"x" * 70_000: 1}, 413),
        ({f"x{number}": 1 for number in range(100_000)}, 413),
    ],
)
async def test_a_request_has_an_end(service: Service, fields: dict[str, Any], status: int) -> None:
    answer = await service.create(**fields)
    assert code(answer)[0] == status and len(answer.content) < 4000


async def test_an_idempotency_key_and_cursors_have_an_end(service: Service) -> None:
    assert code(await service.create(headers={"idempotency-key": "k" * 256})) == (422, "bad_idempotency_key")
    job_id, long = await service.job(), "7" * 30_000
    for url in (
        f"{JOBS}?after={long}",
        f"{JOBS}/{job_id}/events?after={long}",
        f"{JOBS}/{job_id}/checkpoints?after={long}",
    ):
        answer = await service.http.get(url)
        assert code(answer)[0] == 404 and len(answer.content) < 1000
    for limit in (0, 101, int("9" * 400)):
        assert code(await service.http.get(f"{JOBS}?limit={limit}"))[0] == 422
    stream = {"accept": "text/event-stream", "last-event-id": long}
    service.store.cancel(job_id)
    assert (await service.http.get(f"{JOBS}/{job_id}/events", headers=stream)).status_code == 200


async def test_who_asks_is_counted(service: Service) -> None:
    for _ in range(50):
        await service.job()
    answer = await service.create()
    assert code(answer) == (429, "too_many_jobs") and "50 jobs of your address" in answer.json()["detail"]


async def test_a_job_that_may_take_too_long_is_made_with_a_warning(
    database: Database, registry: Registry, tmp_path: Path
) -> None:
    async with serving(database, registry, tmp_path / "slow", max_hours=0.5) as service:
        long = {"n_epochs": 1000, "batch_size": 16}
        quick = await service.create()
        assert quick.json()["warnings"] == []
        replayed = {"type": "supervised", "supervised": {"replay": 128}}
        made = (await service.create(hyperparameters=long, method=replayed)).json()
        (warning,) = made["warnings"]
        assert "hours here, and after 0.5 a job is ended without a result" in warning
        assert [event.message for event in service.store.events(made["id"], 10)[0]][1] == warning
        never = {"type": "supervised", "supervised": {"replay": 1024}}
        refused = await service.create(hyperparameters=long, method=never)
        assert code(refused) == (422, "job_too_long") and refused.json()["error"]["param"] == "hyperparameters"
