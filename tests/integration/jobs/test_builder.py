"""What is wrong with a request for a job, found when the job is made: its body, its options, its pictures."""

import dataclasses
import shutil
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from app.jobs.bounds.room import JobLimits
from app.jobs.store import JobStore
from app.storage.db import Database
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.specs import InputSpec
from tests.contracts.test_errors import check_shape
from tests.support.jobs_http import JOBS, Service, serving, zipped


@pytest.fixture
async def service(registry: Registry, tmp_path: Path) -> AsyncIterator[Service]:
    with closing(Database(f"sqlite:///{tmp_path / 'jobs.db'}")) as database:
        async with serving(database, registry, tmp_path / "state") as running:
            yield running


def refusal(answer: httpx.Response) -> tuple[int, str, str | None]:
    check_shape(answer)
    return answer.status_code, answer.json()["code"], answer.json()["error"]["param"]


async def none_made(service: Service) -> bool:
    return len((await service.http.get(JOBS)).json()["data"]) == 0


NO_SENSE: list[tuple[dict[str, Any], tuple[int, str, str | None]]] = [
    ({"training_file": "feedback"}, (422, "too_few_examples", "training_file")),  # there is none
    ({"validation_file": "feedback"}, (422, "feedback_not_offered", "validation_file")),
    ({"training_file": "file-" + "0" * 24}, (404, "file_not_found", "training_file")),
    ({"training_file": "a\0"}, (404, "file_not_found", "training_file")),
    ({"validation_file": "file-" + "0" * 24}, (404, "file_not_found", "validation_file")),
    ({"model": "nope"}, (404, "model_not_found", None)),
    ({"model": "digits@9"}, (404, "model_not_found", None)),
    ({"model": "../x"}, (422, "bad_model_name", None)),
    ({"suffix": "Mine"}, (422, "bad_model_name", "suffix")),
    ({"suffix": "x" * 57}, (422, "bad_model_name", "suffix")),
    ({"suffix": "a\0"}, (422, "bad_model_name", "suffix")),
    ({"surprise": 1}, (422, "validation_failed", "surprise")),
    ({"hyperparameters": {"n_epochs": 0}}, (422, "validation_failed", "hyperparameters.n_epochs")),
    ({"integrations": [{"type": "wandb"}]}, (422, "validation_failed", "integrations")),
    ({"method": {"type": "dpo"}}, (422, "validation_failed", "method.type")),
    (
        {"method": {"type": "supervised", "supervised": {"augment": {"mirror": True}}}},
        (422, "option_rejected", "method.supervised.augment"),
    ),
]


async def test_a_request_that_makes_no_sense(service: Service) -> None:
    for fields, expected in NO_SENSE:
        assert refusal(await service.create(**fields)) == expected, fields
    assert await none_made(service)


NO_REQUESTS = [
    b"", b"{", b"[]", b"7", b"\xff", b"null", b'{"model": NaN}', b'{"seed": 1e999}', b"[" * 100_000,
    b'{"model": "\\ud800"}', b'{"seed": ' + b"9" * 10_000 + b"}", b'{"model": ' + b"[" * 256 + b"]" * 256 + b"}",
    b'{"model": "digits", "training_file": "x", "metadata": ' + b'{"a":' * 1000 + b"1" + b"}" * 1000 + b"}",
    b'{"model": "digits", "training_file": "x", "integrations": ' + b"[" * 900 + b"1" + b"]" * 900 + b"}",
]  # fmt: skip


async def test_a_body_that_is_no_request_is_never_a_500(service: Service) -> None:
    for body in NO_REQUESTS:
        answer = await service.http.post(JOBS, content=body, headers={"content-type": "application/json"})
        assert refusal(answer)[0] in (400, 413, 422), body[:60]
    assert await none_made(service)


async def test_labels_that_the_base_does_not_know(service: Service) -> None:
    letters = await service.upload({"a": 5, "b": 5, "7": 5})
    answer = await service.create(training_file=letters)
    assert refusal(answer) == (422, "label_unknown", "training_file")
    assert "'a', 'b'" in answer.json()["detail"] and "suffix" in answer.json()["detail"]
    made = (await service.create(training_file=letters, suffix="letters")).json()
    assert service.store.get(made["id"]).spec.publish_to == "digits-letters"


async def test_a_suffix_without_new_labels(service: Service) -> None:
    made = (await service.create(suffix="mine")).json()
    assert (service.store.get(made["id"]).spec.publish_to, made["suffix"]) == ("digits-mine", "mine")


async def test_too_few_pictures(service: Service) -> None:
    for counts, suffix, said in (
        ({"7": 4}, None, "add 1 or more"),
        ({"7": 2, "8": 1}, None, "add 2 or more"),
        ({"7": 4}, "mine", "add 1 or more"),
        ({"a": 20}, "letters", "2 labels or more"),
        ({"a": 5, "b": 3, "c": 1}, "letters", "add at least 2 of 'b', 4 of 'c'"),
    ):
        answer = await service.create(training_file=await service.upload(counts), suffix=suffix)
        assert refusal(answer) == (422, "too_few_examples", "training_file")
        assert said in answer.json()["detail"]


async def test_five_corrections_of_one_label_are_enough(service: Service) -> None:
    assert (await service.create(training_file=await service.upload({"7": 5}))).status_code == 201


async def test_early_stopping_needs_a_label_that_can_be_split(service: Service) -> None:
    few = await service.upload({str(digit): 1 for digit in range(10)})
    method = {"type": "supervised", "supervised": {"early_stopping": 3}}
    assert (await service.create(training_file=few)).status_code == 201
    assert refusal(await service.create(training_file=few, method=method)) == (422, "too_few_examples", "training_file")


async def test_a_validation_file_is_looked_at_too(service: Service) -> None:
    for counts, expected in (({"a": 5}, "label_unknown"), ({"7": 4}, "too_few_examples")):
        judging = await service.upload(counts, seed=1)
        assert refusal(await service.create(validation_file=judging)) == (422, expected, "validation_file")
    assert refusal(await service.create(validation_file=service.file)) == (422, "option_rejected", "validation_file")
    letters, judging = await service.upload({"a": 5, "b": 5}), await service.upload({"a": 5, "b": 1}, seed=1)
    made = await service.create(training_file=letters, validation_file=judging, suffix="letters")
    recipe = Recipe.from_json(service.store.get(made.json()["id"]).spec.recipe)
    assert recipe.finetune is not None and recipe.finetune.validation == judging


async def test_parts_of_a_file_judge_and_are_not_learned(service: Service) -> None:
    """What counts is what is in `train`; `validation` judges as a file of its own would, and `test` does neither."""
    told = {
        "only judges": await service.upload({"test/0": 9, "test/1": 9}),
        "2 usable pictures": await service.upload({"train/0": 2, "test/0": 9}),
        "4 usable pictures": await service.upload({"train/0": 5, "train/1": 5, "val/0": 4, "test/0": 9}),
    }
    for said, file in told.items():
        answer = await service.create(training_file=file)
        assert refusal(answer) == (422, "too_few_examples", "training_file") and said in answer.json()["detail"]
    for part in ("val", "test"):
        answer = await service.create(training_file=await service.upload({"train/0": 5, f"{part}/a": 5}))
        assert refusal(answer) == (422, "label_unknown", "training_file")
    whole = await service.upload({"train/0": 5, "train/1": 5, "val/0": 5, "test/7": 1})
    assert (await service.create(training_file=whole)).status_code == 201
    letters = await service.upload({"Train/a": 5, "Train/b": 5, "Valid/a": 5, "TEST/b": 2})
    assert (await service.create(training_file=letters, suffix="letters")).status_code == 201


async def test_of_a_validation_file_with_parts_those_that_judge_count(service: Service) -> None:
    few, enough = await service.upload({"train/0": 9, "test/0": 4}), await service.upload({"train/0": 2, "val/0": 5})
    answer = await service.create(validation_file=few)
    assert refusal(answer) == (422, "too_few_examples", "validation_file")
    assert (await service.create(validation_file=enough)).status_code == 201


def with_input(registry: Registry, spec: InputSpec) -> None:
    """Publishes a version of a model `photos` of another input, as far as its manifest goes."""
    champion = registry.resolve(Ref("digits"))
    with registry.stage("photos") as folder:
        shutil.copytree(champion.folder, folder, dirs_exist_ok=True)
        registry.publish("photos", folder, dataclasses.replace(champion.manifest, input=spec))


async def test_pictures_are_counted_as_the_base_sees_them(service: Service, registry: Registry) -> None:
    """The same block on five places of the page is one digit, five times, and five whole pictures."""
    with_input(registry, InputSpec(preparation="picture"))
    pages = {}
    for number in range(5):
        page = np.full((60, 60), 255, np.uint8)
        page[20:40, 10 + 5 * number : 20 + 5 * number] = 0
        pages[f"7/{number}.png"] = page
    moved = await service.send(zipped(pages))
    assert refusal(await service.create(training_file=moved)) == (422, "too_few_examples", "training_file")
    assert (await service.create(training_file=moved, model="photos")).status_code == 201


async def test_the_queue_has_an_end(registry: Registry, tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'jobs.db'}")) as database:
        store = JobStore(database, JobLimits(waiting=2))
        async with serving(database, registry, tmp_path / "state", store) as service:
            first = await service.job()
            await service.job()
            assert refusal(await service.create()) == (429, "too_many_jobs", None)
            await service.http.post(f"{JOBS}/{first}/cancel")
            assert (await service.create()).status_code == 201
