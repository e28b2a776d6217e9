"""AsyncClient on the app itself: what the package's client makes of the service's real answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from app.main import create_app
from app.settings import Settings
from app.storage.db import Database
from digitserve import AsyncClient, BadPicture, JobFailed, Prediction, Refused
from models_store.registry import Registry
from tests.conftest import EXAMPLES, ROOT, republished
from tests.support.jobs_http import Service, serving, zip_of
from tests.support.patience import PATIENCE_SECONDS

SEVEN = EXAMPLES / "7.png"


def client_of(app: FastAPI) -> AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return AsyncClient(
        "http://localhost", timeout=PATIENCE_SECONDS, retry_seconds=PATIENCE_SECONDS, transport=transport
    )


@pytest.fixture
async def client(tmp_path: Path, registry: Registry) -> AsyncIterator[AsyncClient]:
    """Of the whole service, with `digits@2` beside the champion `digits@1`."""
    republished(registry)
    app = create_app(Settings(store_dir=tmp_path / "store"))
    async with app.router.lifespan_context(app), client_of(app) as client:
        yield client


@asynccontextmanager
async def learning(database: Database, registry: Registry, folder: Path) -> AsyncIterator[tuple[Service, AsyncClient]]:
    """The rooms of files and jobs, without a worker."""
    async with serving(database, registry, folder / "state") as service, client_of(service.app) as client:
        yield service, client


async def test_pictures_are_read(client: AsyncClient) -> None:
    reading = await client.predict(SEVEN, top_k=2, prepared=True, explain=True)
    assert (reading.label, reading.uncertain, reading.model) == ("7", False, "digits@1")
    assert len(reading.probabilities) == 2 and reading.confidence == reading.probabilities["7"]
    assert (reading.prepared or b"").startswith(b"\x89PNG") and (reading.explanation or b"").startswith(b"\x89PNG")
    assert (await client.predict(SEVEN, model="digits@2")).model == "digits@2"


async def test_many_pictures_are_answered_in_their_order(client: AsyncClient) -> None:
    pictures = [EXAMPLES / f"{number}.png" for number in (3, 2)]
    three, bad, two = await client.predict_many([pictures[0], b"none", pictures[1]])
    assert isinstance(three, Prediction) and isinstance(two, Prediction)
    assert (three.label, two.label, bad) == ("3", "2", BadPicture("image_invalid", getattr(bad, "message", "")))


async def test_a_page_is_read(client: AsyncClient) -> None:
    page = await client.read(ROOT / "docs" / "pictures" / "row.png")
    assert [[number.text for number in line] for line in page.lines] == [["4207", "915"], ["36", "1888"]]
    first = page.numbers[0]
    assert first.box.x < first.digits[1].box.x and len(first.digits[0].others) == 1
    assert (page.width, page.height, page.model) == (first.box.width and page.width, page.height, "digits@1")
    asked = await client.read(
        ROOT / "docs" / "pictures" / "row.png", digits=4, regions=[page.numbers[3].box, page.numbers[1].box]
    )
    assert [(one.text, one.expected) for one in asked.numbers] == [("1888", "as_read"), ("915", "missed")]


async def test_a_correction_is_kept_and_the_last_word_counts(client: AsyncClient) -> None:
    first = await client.correct(SEVEN, 1, model="digits", read_as="7")
    second = await client.correct(SEVEN, "7")
    assert (first.label, first.read_as, first.replaced) == ("1", "7", None)
    assert (second.id, second.label, second.replaced) == (first.id, "7", "1")


async def test_versions_are_promoted_by_compare_and_swap(client: AsyncClient) -> None:
    (model,) = await client.models()
    assert (model.name, model.versions, model.aliases, model.labels) == (
        "digits", (1, 2), {"champion": 1}, tuple("0123456789")
    )  # fmt: skip
    assert await client.promote("digits@2") == {"champion": 2, "previous": 1}
    assert (await client.predict(SEVEN)).model == "digits@2"
    with pytest.raises(Refused) as raised:
        await client.promote("digits@1", expected=1)
    assert (raised.value.code, raised.value.status) == ("alias_moved", 409)
    assert await client.rollback("digits") == {"champion": 1, "previous": 2}
    assert await client.promote("digits@2", alias="mine", expected=None) == {"champion": 1, "previous": 2, "mine": 2}
    version = await client.version("digits@mine")
    assert (version.ref, version.number, version.aliases) == ("digits@2", 2, ("mine", "previous"))


async def test_a_refusal_has_the_servers_code_and_sentence(client: AsyncClient) -> None:
    with pytest.raises(Refused, match="Send a PNG, JPEG") as raised:
        await client.predict(np.zeros((0, 0), np.uint8).tobytes() + b"none")
    refusal = raised.value
    assert (refusal.code, refusal.status, (refusal.request_id or "")[:4]) == ("image_invalid", 422, "req_")
    with pytest.raises(Refused) as raised:
        await client.job("ftjob-none")
    assert (raised.value.code, raised.value.status) == ("job_not_found", 404)


async def test_data_sets_and_jobs_come_and_go(database: Database, registry: Registry, tmp_path: Path) -> None:
    async with learning(database, registry, tmp_path) as (_, client):
        sent = await client.upload(zip_of({"0": 5, "1": 4}))
        assert (sent.rows, sent.kept, sent.per_label) == (9, 9, {"0": 5, "1": 4})
        job = await client.start(sent.id, epochs=7, promote="if_better", metadata={"who": "me"})
        assert (job.status, job.base, job.hyperparameters["n_epochs"]) == ("queued", "digits@1", 7)
        assert (await client.pause(job.id)).paused and not (await client.resume(job.id)).paused
        assert [one.id for one in await client.jobs(metadata={"who": "me"})] == [job.id]
        assert await client.jobs(metadata={"who": "you"}) == ()
        assert (await client.cancel(job.id)).status == "cancelled"
        await client.delete_file(sent.id)
        with pytest.raises(Refused, match=r"already|ended"):
            await client.cancel(job.id)


async def test_the_same_call_with_the_same_key_is_one_job(
    database: Database, registry: Registry, tmp_path: Path
) -> None:
    async with learning(database, registry, tmp_path) as (service, client):
        data = zip_of({"0": 5, "1": 5}, seed=7)
        first = await client.start(data, key="mine", epochs=3)
        assert (await client.start(data, key="mine", epochs=3)).id == first.id
        with pytest.raises(Refused) as raised:
            await client.start(data, key="mine", epochs=4)
        assert raised.value.code == "idempotency_key_reused"
        files = (await service.http.get("/v1/files")).json()["data"]
        assert len(files) == 2 and first.training_file in {file["id"] for file in files}
        assert (await client.start(data, epochs=3)).id != first.id


async def test_a_job_that_can_not_be_made_leaves_no_file(
    database: Database, registry: Registry, tmp_path: Path
) -> None:
    async with learning(database, registry, tmp_path) as (service, client):
        with pytest.raises(Refused, match=r"more|at least") as raised:
            await client.start(zip_of({"0": 2}, seed=8))
        assert raised.value.code == "too_few_examples"
        assert [file["id"] for file in (await service.http.get("/v1/files")).json()["data"]] == [service.file]


async def test_teaching_tells_what_happens_and_what_came_of_it(
    database: Database, registry: Registry, tmp_path: Path
) -> None:
    async with learning(database, registry, tmp_path) as (service, client):
        job = await client.start(service.file)
        claimed = service.claim()
        service.epoch(claimed, 1)
        service.succeed(claimed)
        events = [event async for event in client.events(job.id)]
        assert [event.number for event in events] == [str(number) for number in range(1, len(events) + 1)]
        assert [event.data["epoch"] for event in events if event.type == "metrics"] == [1]
        assert events[-1].state == "succeeded"
        assert [event async for event in client.events(job.id, after=events[1].number)] == events[2:]
        outcome = await client.finish(job.id)
        assert (outcome.version, outcome.accepted, outcome.gate) == ("digits@2", True, "accepted: better")
        other = await client.start(service.file, seed=2)
        await client.cancel(other.id)
        with pytest.raises(JobFailed) as raised:
            await client.finish(other.id)
        assert (raised.value.code, raised.value.job_id) == ("job_cancelled", other.id)
