"""The unmodified `openai` package drives jobs: what it sends is understood, what it gets is what it models."""

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai.types import Model
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint

from app.storage.db import Database
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.specs import FineTuneSpec
from tests.conftest import republished
from tests.support.jobs_http import RESULT, Service, serving, zip_of


@pytest.fixture
async def service(database: Database, registry: Registry, tmp_path: Path) -> AsyncIterator[Service]:
    async with serving(database, registry, tmp_path / "state") as running:
        yield running


@pytest.fixture
async def client(service: Service) -> AsyncIterator[openai.AsyncOpenAI]:
    http = httpx.AsyncClient(transport=httpx.ASGITransport(service.app))
    async with openai.AsyncOpenAI(api_key="none", base_url="http://test/v1", http_client=http, max_retries=0) as client:
        yield client


def checked(found: Any) -> dict[str, Any]:
    """What came, held against the client's own model: it builds its objects without looking."""
    plain: dict[str, Any] = found.to_dict()
    known = {FineTuningJob, FineTuningJobEvent, FineTuningJobCheckpoint, Model}
    assert type(found) in known
    type(found).model_validate(plain)
    return plain


async def test_a_job_from_its_file_to_its_checkpoints(service: Service, client: openai.AsyncOpenAI) -> None:
    file = await client.files.create(file=("a.zip", zip_of({"3": 5, "4": 5})), purpose="fine-tune")
    made = await client.fine_tuning.jobs.create(
        model="digits",
        training_file=file.id,
        hyperparameters={"n_epochs": 2, "batch_size": "auto", "learning_rate_multiplier": 0.5},
        metadata={"who": "me"},
        seed=7,
        suffix="mine",
        extra_headers={"Idempotency-Key": "k"},
    )
    assert (made.object, made.status, made.model) == ("fine_tuning.job", "queued", "digits")
    assert (made.hyperparameters.n_epochs, made.hyperparameters.learning_rate_multiplier) == (2, 0.5)
    assert (made.training_file, made.seed, made.metadata) == (file.id, 7, {"who": "me"})
    checked(made)

    job = service.claim()
    assert (await client.fine_tuning.jobs.retrieve(made.id)).status == "running"
    for number in (1, 2):
        service.epoch(job, number)
    service.succeed(job)
    done = await client.fine_tuning.jobs.retrieve(made.id)
    checked(done)
    assert (done.status, done.fine_tuned_model, done.error) == ("succeeded", RESULT["version"], None)
    assert done.finished_at is not None and done.finished_at >= done.created_at

    events = [event async for event in client.fine_tuning.jobs.list_events(made.id, limit=2)]
    assert [checked(event)["message"] for event in events][::-1] == [
        "The job waits for its turn.", "The job runs.", "Epoch 1", "Epoch 2", "The job is done: digits@2.",
    ]  # fmt: skip
    assert [event.type for event in events] == ["message", "metrics", "metrics", "message", "message"]
    points = [point async for point in client.fine_tuning.jobs.checkpoints.list(made.id, limit=1)]
    assert [(point.step_number, point.fine_tuned_model_checkpoint) for point in points] == [(2, "digits@2"), (1, None)]
    checked(points[0])
    assert points[0].metrics.train_loss == 0.5


async def test_moves_and_lists(service: Service, client: openai.AsyncOpenAI) -> None:
    made = [
        await client.fine_tuning.jobs.create(model="digits", training_file=service.file, metadata={"n": str(number)})
        for number in range(3)
    ]
    jobs = client.fine_tuning.jobs
    assert (await jobs.pause(made[0].id)).to_dict()["paused"] is True
    assert (await jobs.resume(made[0].id)).to_dict()["paused"] is False
    assert (await jobs.cancel(made[0].id)).status == "cancelled"
    with pytest.raises(openai.ConflictError) as refused:
        await jobs.cancel(made[0].id)
    assert (refused.value.code, refused.value.status_code) == ("job_state", 409)
    listed = [job async for job in jobs.list(limit=2)]
    assert [checked(job)["id"] for job in listed] == [job.id for job in made][::-1]
    assert [job.id async for job in jobs.list(metadata={"n": "1"})] == [made[1].id]


async def test_options_of_ours_and_refusals(service: Service, client: openai.AsyncOpenAI) -> None:
    supervised: Any = {"hyperparameters": {"n_epochs": 3}, "unfreeze": "head", "promote": "if_better"}
    made = await client.fine_tuning.jobs.create(
        model="digits@1", training_file=service.file, method={"type": "supervised", "supervised": supervised}
    )
    shown = checked(made)["method"]["supervised"]
    assert (shown["unfreeze"], shown["promote"], shown["hyperparameters"]["n_epochs"]) == ("head", "if_better", 3)
    assert made.method is not None and made.method.supervised is not None
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        await client.fine_tuning.jobs.create(model="digits", training_file=service.file, validation_file="feedback")
    assert (refused.value.code, refused.value.param) == ("feedback_not_offered", "validation_file")
    with pytest.raises(openai.NotFoundError):
        await client.fine_tuning.jobs.retrieve("ftjob-1")


async def test_models(client: openai.AsyncOpenAI, registry: Registry) -> None:
    assert [checked(model)["id"] async for model in client.models.list()] == ["digits"]
    one = checked(await client.models.retrieve("digits@1"))
    assert (one["id"], one["parent"], one["job"]) == ("digits@1", None, None)
    assert one["data_sha256"] == one["manifest"]["data"]["sha256"]
    recipe = registry.resolve(Ref("digits")).manifest.recipe
    tuned = dataclasses.replace(recipe, finetune=FineTuneSpec(base="digits@1", job="ftjob-7"))
    republished(registry, parent="digits@1", recipe=tuned)
    two = checked(await client.models.retrieve("digits@2"))
    assert (two["id"], two["parent"], two["job"]) == ("digits@2", "digits@1", "ftjob-7")
