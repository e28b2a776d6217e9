"""Jobs, events and checkpoints as clients see them: OpenAI's own types read each of them."""

import dataclasses
from typing import Any

import pytest
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint

from app.jobs.job import Job, JobEvent, State
from app.jobs.presenters import checkpoints, event_object, job_object, number_in
from tests.support.ordered import order

ID = f"ftjob-{'0a1b2c3d' * 3}"
OPTIONS: dict[str, Any] = {
    "hyperparameters": {"n_epochs": 30, "batch_size": 32, "learning_rate_multiplier": 1.0},
    "method": {"type": "supervised", "supervised": {"promote": "never"}}, "suffix": None, "seed": 1,
}  # fmt: skip
JOB = Job(id=ID, state=State.QUEUED, created_at=1790000000.9, spec=order(options=OPTIONS, metadata={"who": "me"}))
RESULT = {"version": "digits@2", "accepted": True}
DONE = dataclasses.replace(JOB, state=State.SUCCEEDED, finished_at=1790000099.9, attempt=2, result=RESULT)


def epoch(number: int, run: str = "training", **data: Any) -> JobEvent:
    """One that is over; the event's number differs from the epoch's."""
    facts = {"run": run, "epoch": number, "loss": 0.5, "accuracy": 0.75, "validation_loss": None, **data}
    return JobEvent(
        job=ID, number=10 + number, created_at=1790000000.5 + number, level="info", type="metrics", message="one",
        data=facts,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "status", "paused"),
    [
        (State.QUEUED, "queued", False), (State.PAUSED, "queued", True), (State.RUNNING, "running", False),
        (State.PUBLISHING, "running", False), (State.SUCCEEDED, "succeeded", False), (State.FAILED, "failed", False),
        (State.CANCELLED, "cancelled", False),
    ],
)  # fmt: skip
def test_every_state_has_one_of_openais_names(state: State, status: str, paused: bool) -> None:
    shown = job_object(dataclasses.replace(DONE, state=state))
    assert (shown.status, shown.paused) == (status, paused)
    assert shown.fine_tuned_model == ("digits@2" if state is State.SUCCEEDED else None)
    assert FineTuningJob.model_validate(shown.model_dump()).status == status


def test_a_job_shows_what_was_asked_and_whole_seconds() -> None:
    read = FineTuningJob.model_validate(job_object(DONE).model_dump())
    assert (read.id, read.object, read.model, read.training_file) == (ID, "fine_tuning.job", "digits", "file-1")
    assert (read.created_at, read.finished_at, read.seed, read.metadata) == (1790000000, 1790000099, 1, {"who": "me"})
    assert read.hyperparameters.n_epochs == 30
    assert (read.error, read.result_files) == (None, [])
    assert job_object(JOB).finished_at is None


def test_a_failed_job_says_why() -> None:
    error = {"code": "storage_full", "message": "The disk is full.", "param": None}
    read = FineTuningJob.model_validate(
        job_object(dataclasses.replace(JOB, state=State.FAILED, error=error)).model_dump()
    )
    assert read.error is not None and read.error.model_dump() == error


@pytest.mark.parametrize(("kind", "shown"), [("metrics", "metrics"), ("message", "message"), ("state", "message")])
def test_an_event_is_of_one_of_openais_two_types(kind: str, shown: str) -> None:
    event = JobEvent(
        job=ID,
        number=7,
        created_at=1790000000.9,
        level="warn",
        type=kind,
        message="It waits.",
        data={"state": "paused"},
    )
    read = FineTuningJobEvent.model_validate(event_object(event).model_dump())
    assert (read.id, read.created_at, read.level, read.type) == (f"ftevent-{ID[6:]}-7", 1790000000, "warn", shown)
    assert (read.message, read.data) == ("It waits.", {"state": "paused"})


def test_checkpoints_are_the_epochs_of_the_training_from_the_newest() -> None:
    told = [
        epoch(1),
        epoch(2),
        epoch(1, run="search", loss=9.0),
        epoch(2, loss=0.25),
        epoch(3),
    ]  # the second was repeated
    page = checkpoints(DONE, told, limit=10)
    assert [(one.step_number, one.fine_tuned_model_checkpoint) for one in page.data] == [
        (3, "digits@2"), (2, None), (1, None),
    ]  # fmt: skip
    assert [one.metrics["train_loss"] for one in page.data] == [0.5, 0.25, 0.5]
    assert (page.first_id, page.last_id, page.has_more) == (f"ftckpt-{ID[6:]}-3", f"ftckpt-{ID[6:]}-1", False)
    read = FineTuningJobCheckpoint.model_validate(page.data[0].model_dump())
    assert (read.fine_tuning_job_id, read.step_number, read.metrics.train_loss) == (ID, 3, 0.5)


def test_checkpoints_come_in_pages() -> None:
    told = [epoch(number) for number in range(1, 6)]
    page = checkpoints(JOB, told, limit=2, before=5)
    assert [(one.step_number, one.fine_tuned_model_checkpoint) for one in page.data] == [(4, None), (3, None)]
    assert page.has_more
    assert not checkpoints(JOB, told, limit=2, before=3).has_more
    empty = checkpoints(DONE, [], limit=2)
    assert (empty.data, empty.first_id, empty.last_id, empty.has_more) == ([], None, None, False)


def test_an_id_names_a_number_of_this_job_only() -> None:
    assert number_in(event_object(epoch(1)).id, "ftevent", ID) == 11
    rest = ID[6:]
    for name in (
        f"ftckpt-{rest}-7", f"ftevent-{'f' * 24}-7", f"ftevent-{rest}-0", f"ftevent-{rest}-07", f"ftevent-{rest}--7",
        f"ftevent-{rest}-{10**9}", f"ftevent-{rest}-7\n", f"ftevent-{rest}-\u0667", f"ftevent-{rest}", "",
    ):  # fmt: skip
        assert number_in(name, "ftevent", ID) is None
