"""What a client may send to start a job: every field that makes no sense is named, and the schema names every field."""

from typing import Any

import pytest
from pydantic import ValidationError

from app.jobs.request import Augment, JobRequest, Supervised


def request(**fields: Any) -> JobRequest:
    return JobRequest.model_validate({"model": "digits", "training_file": "file-1", **fields})


@pytest.mark.parametrize(("fields", "where"), [
    ({"hyperparameters": {"n_epochs": 0}}, "hyperparameters.n_epochs"),
    ({"hyperparameters": {"n_epochs": True}}, "hyperparameters.n_epochs"),
    ({"hyperparameters": {"n_epochs": 1.5}}, "hyperparameters.n_epochs"),
    ({"hyperparameters": {"n_epochs": "3"}}, "hyperparameters.n_epochs"),
    ({"hyperparameters": {"n_epochs": 1001}}, "hyperparameters.n_epochs"),
    ({"hyperparameters": {"batch_size": 1}}, "hyperparameters.batch_size"),
    ({"hyperparameters": {"learning_rate_multiplier": 0}}, "hyperparameters.learning_rate_multiplier"),
    ({"hyperparameters": {"learning_rate_multiplier": True}}, "hyperparameters.learning_rate_multiplier"),
    ({"hyperparameters": {"epochs": 3}}, "hyperparameters.epochs"),
    ({"method": {"type": "dpo"}}, "method.type"),
    ({"method": {"type": "supervised", "supervised": {"unfreeze": "tail"}}}, "method.supervised.unfreeze"),
    ({"method": {"type": "supervised", "supervised": {"augment": {"crop": 0}}}}, "method.supervised.augment.crop"),
    ({"method": {"type": "supervised", "supervised": {"augment": 3}}}, "method.supervised.augment"),
    ({"method": {"type": "supervised", "supervised": {"early_stopping": -1}}}, "method.supervised.early_stopping"),
    ({"method": {"type": "supervised", "supervised": {"replay": 5000}}}, "method.supervised.replay"),
    ({"method": {"type": "supervised", "supervised": {"promote": True}}}, "method.supervised.promote"),
    ({"suffix": ""}, "suffix"),
    ({"seed": 2**31}, "seed"),
    ({"metadata": {"k" * 65: "v"}}, f"metadata.{'k' * 65}.[key]"),
    ({"metadata": {"k": "v" * 513}}, "metadata.k"),
    ({"metadata": {"k": 3}}, "metadata.k"),
    ({"metadata": {str(number): "v" for number in range(17)}}, "metadata"),
    ({"metadata": {"k": "a\0"}}, "metadata.k"),
    ({"integrations": [{"type": "wandb"}]}, "integrations"),
    ({"n_epochs": 3}, "n_epochs"),
])  # fmt: skip
def test_a_field_that_makes_no_sense_is_named(fields: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError) as refused:
        request(**fields)
    assert ".".join(map(str, refused.value.errors()[0]["loc"])) == where


def test_what_openais_client_sends_beside_is_no_error() -> None:
    assert request(integrations=None) == request(integrations=[]) == request()


def test_sixteen_pairs_of_the_longest_texts_pass() -> None:
    pairs = {f"{number:064}": "v" * 512 for number in range(16)}
    assert request(metadata=pairs).metadata == pairs


def test_words_stand_for_numbers() -> None:
    words = {"early_stopping": "none", "replay": "none", "augment": "none"}
    asked = request(method={"type": "supervised", "supervised": words}).supervised
    assert (asked.early_stopping, asked.replay, asked.augment) == (0, 0, Augment())
    words = dict.fromkeys(words, "auto")
    asked = request(method={"type": "supervised", "supervised": words}).supervised
    assert (asked.early_stopping, asked.replay, asked.augment) == (None, None, None)


def test_without_a_method_the_defaults_are_asked_for() -> None:
    for method in (None, {"type": "supervised"}, {"type": "supervised", "supervised": {}}):
        assert request(method=method).supervised == Supervised()
    assert Supervised().promote == "never"  # nothing serves that nobody asked for


@pytest.mark.parametrize("field", ["model", "training_file"])
def test_a_job_names_its_base_and_its_file(field: str) -> None:
    sent = {"model": "digits", "training_file": "file-1"}
    del sent[field]
    with pytest.raises(ValidationError) as refused:
        JobRequest.model_validate(sent)
    assert [error["loc"] for error in refused.value.errors()] == [(field,)]


def test_the_schema_names_every_field() -> None:
    document = JobRequest.model_json_schema()
    assert set(document["properties"]) == set(JobRequest.model_fields)
    assert document["required"] == ["model", "training_file"]
