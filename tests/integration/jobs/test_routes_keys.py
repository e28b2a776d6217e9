"""Idempotency-Key: however often and however fast a request is repeated, it makes one job."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.storage.db import Database
from models_store.registry import Registry
from tests.conftest import republished
from tests.contracts.test_errors import check_shape
from tests.support.jobs_http import JOBS, Service, serving

KEY = {"idempotency-key": "mine-1"}


@pytest.fixture
async def service(database: Database, registry: Registry, tmp_path: Path) -> AsyncIterator[Service]:
    async with serving(database, registry, tmp_path / "state") as running:
        yield running


async def count(service: Service) -> int:
    return len((await service.http.get(JOBS, params={"limit": 100})).json()["data"])


async def test_fifty_at_once_make_one_job(service: Service) -> None:
    answers = await asyncio.gather(*(service.create(KEY) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert (
        len({answer.json()["id"] for answer in answers}) == len({answer.headers["location"] for answer in answers}) == 1
    )
    assert await count(service) == 1


async def test_fifty_at_once_with_two_bodies_make_one_job_and_refusals(service: Service) -> None:
    answers = await asyncio.gather(*(service.create(KEY, seed=number % 2) for number in range(50)))
    assert sorted(answer.status_code for answer in answers) == [201] * 25 + [409] * 25
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"idempotency_key_reused"}
    assert await count(service) == 1


async def test_the_same_request_is_the_same_whatever_the_spelling_and_whatever_has_changed(
    service: Service, registry: Registry
) -> None:
    first = (await service.create(KEY, seed=3, suffix="mine")).json()
    service.store.cancel(first["id"])
    await service.http.delete(f"/v1/files/{service.file}")
    republished(registry)
    registry.promote("digits", 2, expected=1)
    body = f'{{"suffix":"mine",  "seed":3, "training_file": "{service.file}", "model": "d\\u0069gits"}}'
    again = await service.http.post(JOBS, content=body, headers=KEY)
    assert (again.status_code, again.json()["id"], again.json()["status"]) == (201, first["id"], "cancelled")


async def test_another_request_and_another_key(service: Service) -> None:
    first = (await service.create(KEY)).json()
    other = await service.create(KEY, seed=3)
    check_shape(other)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    second = (await service.create({"idempotency-key": "mine-2"})).json()
    assert second["id"] != first["id"]
    assert (await service.create()).json()["id"] not in (first["id"], second["id"])


async def test_a_refused_request_uses_up_no_key(service: Service) -> None:
    assert (await service.create(KEY, model="nope")).status_code == 404
    assert (await service.create(KEY)).status_code == 201


async def test_what_a_key_may_be(service: Service) -> None:
    for key in ("", "a b", "x" * 256, "\xe9", "a\tb"):
        answer = await service.http.post(JOBS, json={}, headers=[(b"idempotency-key", key.encode("latin-1"))])
        check_shape(answer)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_idempotency_key"), key
    assert (await service.create({"idempotency-key": "~" * 255})).status_code == 201
