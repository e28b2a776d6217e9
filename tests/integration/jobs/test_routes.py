"""POST and GET /v1/fine_tuning/jobs, and what moves a job: on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.storage.db import Database
from models_store.recipe import Recipe
from models_store.registry import Registry
from tests.contracts.test_errors import check_shape
from tests.support.jobs_http import JOBS, RESULT, Service, serving


@pytest.fixture
async def service(database: Database, registry: Registry, tmp_path: Path) -> AsyncIterator[Service]:
    async with serving(database, registry, tmp_path / "state") as running:
        yield running


def code(answer: httpx.Response) -> tuple[int, str]:
    check_shape(answer)
    return answer.status_code, answer.json()["code"]


async def test_a_job_is_made_shown_and_ordered(service: Service) -> None:
    answer = await service.create(metadata={"who": "me"}, method={"type": "supervised", "supervised": {"replay": 3}})
    made = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"{JOBS}/{made['id']}")
    assert (await service.http.get(answer.headers["location"])).json() == made
    assert (made["object"], made["status"], made["paused"]) == ("fine_tuning.job", "queued", False)
    assert (made["model"], made["base"], made["fine_tuned_model"]) == ("digits", "digits@1", None)
    assert (made["training_file"], made["metadata"]) == (service.file, {"who": "me"})
    order = service.store.get(made["id"]).spec
    recipe = Recipe.from_json(order.recipe)
    assert recipe.finetune is not None
    assert (recipe.finetune.job, recipe.finetune.replay_rows, recipe.finetune.base) == (made["id"], 3, "digits@1")
    assert (recipe.data.path, order.publish_to, order.promote) == (service.file, "digits", "never")


async def test_the_whole_way_of_a_job(service: Service) -> None:
    url = f"{JOBS}/{await service.job()}"
    job = service.claim()
    service.leases.beat(job, {"run": "training", "epoch": 1})
    running = (await service.http.get(url)).json()
    assert (running["status"], running["attempt"], running["progress"]["epoch"]) == ("running", 1, 1)
    assert service.leases.publish(job)
    assert (await service.http.get(url)).json()["status"] == "running"
    assert service.leases.succeed(job, RESULT)
    done = (await service.http.get(url)).json()
    assert (done["status"], done["fine_tuned_model"], done["result"]) == ("succeeded", "digits@2", RESULT)
    assert done["finished_at"] >= done["created_at"] > 1_700_000_000


async def test_a_failure_is_shown(service: Service) -> None:
    url = f"{JOBS}/{await service.job()}"
    service.leases.fail(service.claim(), "storage_full", "The disk is full.")
    failed = (await service.http.get(url)).json()
    assert (failed["status"], failed["fine_tuned_model"]) == ("failed", None)
    assert failed["error"] == {"code": "storage_full", "message": "The disk is full.", "param": None}


async def test_moves_and_the_answer_of_each_state(service: Service) -> None:
    url = f"{JOBS}/{await service.job()}"

    async def told(move: str) -> str:
        # as OpenAI's client does: it says JSON and sends nothing
        answer = await service.http.post(f"{url}/{move}", headers={"content-type": "application/json"})
        if answer.status_code == 409:
            assert code(answer) == (409, "job_state")
            return "refused"
        shown = answer.json()
        return f"{shown['status']}{' paused' if shown['paused'] else ''}"

    assert [await told(move) for move in ("resume", "pause", "pause")] == ["refused", "queued paused", "refused"]
    assert await told("resume") == "queued"
    job = service.claim()
    assert await told("pause") == "queued paused"
    assert not service.leases.beat(job)
    assert [await told(move) for move in ("resume", "cancel", "cancel")] == ["queued", "cancelled", "refused"]
    assert [await told(move) for move in ("pause", "resume")] == ["refused", "refused"]


async def test_a_job_that_there_is_not(service: Service) -> None:
    for name in ("ftjob-" + "0" * 24, "ftjob-1", "a%00", "..%2f..%2fx", "x" * 5000):
        for way in ("GET ", "POST /cancel", "POST /pause", "POST /resume", "GET /events", "GET /checkpoints"):
            method, _, tail = way.partition(" ")
            answer = await service.http.request(method, f"{JOBS}/{name}{tail}")
            assert code(answer) in [(404, "job_not_found"), (404, "not_found")]  # a slash makes it another address
        stream = await service.http.get(f"{JOBS}/{name}/events", headers={"accept": "text/event-stream"})
        assert stream.status_code == 404


async def test_the_list_goes_page_by_page(service: Service) -> None:
    made = [await service.job(metadata={"n": str(number % 2), "käse": 'a"\\b'}) for number in range(5)]
    first = (await service.http.get(JOBS, params={"limit": 2})).json()
    assert ([job["id"] for job in first["data"]], first["has_more"]) == (made[:2:-1], True)
    rest = (await service.http.get(JOBS, params={"after": made[3]})).json()
    assert ([job["id"] for job in rest["data"]], rest["has_more"]) == (made[2::-1], False)
    odd = (await service.http.get(JOBS, params={"metadata[n]": "1", "metadata[käse]": 'a"\\b'})).json()
    assert [job["id"] for job in odd["data"]] == [made[3], made[1]]
    assert (await service.http.get(JOBS, params={"metadata[n]": "2"})).json()["data"] == []


async def test_a_list_that_makes_no_sense(service: Service) -> None:
    for query, status, expected in (
        ("limit=0", 422, "validation_failed"),
        ("limit=101", 422, "validation_failed"),
        ("limit=x", 422, "validation_failed"),
        ("after=ftjob-000000000000000000000000", 404, "job_not_found"),
        ("after=%00", 404, "job_not_found"),
        ("metadata=null", 422, "bad_filter"),
        ("metadata[a=b", 422, "bad_filter"),
        ("metadata[a]=b&metadata[a]=c", 422, "parameter_repeated"),
        ("limit[a]=1", 422, "parameter_unknown"),
        ("meta[a]=b", 422, "parameter_unknown"),
        ("metadata[a%00]=b", 422, "bad_filter"),
        ("metadata[a]=%00", 422, "bad_filter"),
    ):
        assert code(await service.http.get(f"{JOBS}?{query}")) == (status, expected), query


async def test_events_go_page_by_page(service: Service) -> None:
    job_id = await service.job()
    job = service.claim()
    for number in (1, 2, 3):
        service.epoch(job, number)
    url = f"{JOBS}/{job_id}/events"
    first = (await service.http.get(url, params={"limit": 2})).json()
    assert ([event["message"] for event in first["data"]], first["has_more"]) == (["Epoch 3", "Epoch 2"], True)
    rest = (await service.http.get(url, params={"after": first["data"][-1]["id"]})).json()
    messages = ["Epoch 1", "The job runs.", "The job waits for its turn."]
    assert ([event["message"] for event in rest["data"]], rest["has_more"]) == (messages, False)
    other = await service.job()
    for after in (f"ftevent-{other[6:]}-1", "1", "a%00", "ftckpt-" + first["data"][0]["id"][8:]):
        assert code(await service.http.get(f"{url}?after={after}")) == (404, "id_not_found")


async def test_checkpoints_are_the_epochs_that_made_the_version(service: Service) -> None:
    job_id = await service.job()
    job = service.claim()
    service.epoch(job, 1, run="fold 1")
    service.epoch(job, 1, loss=0.7)
    service.epoch(job, 2, loss=0.6)
    service.epoch(job, 2, loss=0.4)  # repeated after a crash
    url = f"{JOBS}/{job_id}/checkpoints"
    found = (await service.http.get(url)).json()
    assert [(point["step_number"], point["metrics"]["train_loss"]) for point in found["data"]] == [(2, 0.4), (1, 0.7)]
    assert {point["fine_tuned_model_checkpoint"] for point in found["data"]} == {None}
    service.succeed(job)
    first = (await service.http.get(url, params={"limit": 1})).json()
    assert (first["data"][0]["fine_tuned_model_checkpoint"], first["has_more"]) == ("digits@2", True)
    assert first["first_id"] == first["last_id"] == first["data"][0]["id"]
    rest = (await service.http.get(url, params={"after": first["last_id"]})).json()
    assert [(p["step_number"], p["fine_tuned_model_checkpoint"]) for p in rest["data"]] == [(1, None)]
    assert code(await service.http.get(f"{url}?after=x")) == (404, "id_not_found")


async def test_a_file_stays_while_a_job_needs_it(service: Service) -> None:
    judging = await service.upload({"0": 5}, seed=1)
    job_id = await service.job(validation_file=judging)
    for file in (service.file, judging):
        assert code(await service.http.delete(f"/v1/files/{file}")) == (409, "file_in_use")
    await service.http.post(f"{JOBS}/{job_id}/cancel")
    for file in (service.file, judging):
        assert (await service.http.delete(f"/v1/files/{file}")).json()["deleted"] is True
    assert code(await service.create()) == (404, "file_not_found")
