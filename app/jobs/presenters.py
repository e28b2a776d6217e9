"""Jobs, events and checkpoints as clients see them: OpenAI's shapes, then ours. It knows no HTTP and no database."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from app.jobs.job import Job, JobEvent, State

_OWNER = "digitserve"
_STATUS = {State.PAUSED: State.QUEUED, State.PUBLISHING: State.RUNNING}
_NUMBER = re.compile(r"([a-z]+)-([0-9a-f]{24})-([1-9][0-9]{0,8})")
_ID = "ftjob-5f2a9c0d1e7b4a68f2a9c0d1"
_METHOD = {"type": "supervised", "supervised": {"unfreeze": "all", "optimizer": "adamw", "promote": "if_better"}}
_RESULT = {
    "version": "digits@2", "accepted": True, "promoted": True, "numbers": {"accuracy": 0.9963, "new_accuracy": 0.99},
    "gate": "accepted: 20 held-out new pictures: 90.00% -> 100.00%",
}  # fmt: skip


class JobError(BaseModel):
    """Why a job failed."""

    code: str = Field(examples=["storage_full"])
    message: str
    param: str | None = None


class JobObject(BaseModel):
    """One fine-tune job."""

    id: str = Field(examples=[_ID])
    object: Literal["fine_tuning.job"] = "fine_tuning.job"
    created_at: int = Field(description="Unix time", examples=[1790000000])
    finished_at: int | None
    model: str = Field(description="as the request named it", examples=["digits"])
    fine_tuned_model: str | None = Field(description="the version that was made", examples=["digits@2"])
    organization_id: str = _OWNER
    status: Literal["validating_files", "queued", "running", "succeeded", "failed", "cancelled"]
    training_file: str = Field(examples=["file-0a1b2c3d4e5f60718293a4b5"])
    validation_file: str | None
    hyperparameters: dict[str, float | int] = Field(
        description="what each `auto` became",
        examples=[{"n_epochs": 30, "batch_size": 32, "learning_rate_multiplier": 1.0}],
    )
    method: dict[str, Any] = Field(description="likewise; sent again, it is the same job", examples=[_METHOD])
    seed: int = Field(examples=[1])
    metadata: dict[str, str]
    error: JobError | None
    result_files: list[str] = Field(description="always empty: the result is a version")
    trained_tokens: None = None
    estimated_finish: None = None
    integrations: None = None
    paused: bool = Field(description="a paused job has the status `queued` and waits to be resumed")
    base: str = Field(description="the version it starts from", examples=["digits@1"])
    suffix: str | None
    attempt: int = Field(description="how often a worker took it", examples=[1])
    progress: dict[str, Any] | None = Field(
        description="of the part that runs", examples=[{"run": "training", "epoch": 3, "epochs": 30}]
    )
    result: dict[str, Any] | None = Field(description="what the gate said, and its numbers", examples=[_RESULT])


class EventObject(BaseModel):
    """Something that happened to a job."""

    id: str = Field(examples=[f"ftevent-{_ID[6:]}-7"])
    object: Literal["fine_tuning.job.event"] = "fine_tuning.job.event"
    created_at: int = Field(description="Unix time", examples=[1790000000])
    level: Literal["info", "warn", "error"]
    message: str = Field(examples=["Epoch 3 of 30"])
    type: Literal["message", "metrics"] = Field(description="`metrics`: `data` has an epoch's numbers")
    data: dict[str, Any] | None = Field(description="`state` where the job's state changed")


class CheckpointObject(BaseModel):
    """What one epoch gave; only the last one of a job that succeeded can be used, as its version."""

    id: str = Field(examples=[f"ftckpt-{_ID[6:]}-30"])
    object: Literal["fine_tuning.job.checkpoint"] = "fine_tuning.job.checkpoint"
    created_at: int = Field(description="Unix time", examples=[1790000000])
    fine_tuned_model_checkpoint: str | None = Field(examples=["digits@2"])
    fine_tuning_job_id: str = Field(examples=[_ID])
    step_number: int = Field(description="the epoch, from 1", examples=[30])
    metrics: dict[str, float | None] = Field(
        examples=[{"step": 30, "train_loss": 0.31, "train_accuracy": 0.99, "valid_loss": None, "valid_accuracy": None}]
    )


class JobList(BaseModel):
    """A page of jobs, the newest first. The next one begins behind the last id."""

    object: Literal["list"] = "list"
    data: list[JobObject]
    has_more: bool


class EventList(BaseModel):
    """A page of events, the newest first."""

    object: Literal["list"] = "list"
    data: list[EventObject]
    has_more: bool


class CheckpointList(BaseModel):
    """A page of checkpoints, the newest first."""

    object: Literal["list"] = "list"
    data: list[CheckpointObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


def job_object(job: Job) -> JobObject:
    """The answer that shows one job."""
    order, result = job.order, job.result
    done = result if job.state is State.SUCCEEDED else None
    return JobObject(
        id=job.id,
        created_at=int(job.created_at),
        finished_at=None if job.finished_at is None else int(job.finished_at),
        model=order.model,
        fine_tuned_model=None if done is None else str(done["version"]),
        status=str(_STATUS.get(job.state, job.state)),
        training_file=order.training_file,
        validation_file=order.validation_file,
        hyperparameters=order.options["hyperparameters"],
        method=order.options["method"],
        seed=order.options["seed"],
        metadata=dict(order.metadata),
        error=None if job.error is None else JobError.model_validate(job.error),
        result_files=[],
        paused=job.state is State.PAUSED,
        base=order.base,
        suffix=order.options["suffix"],
        attempt=job.attempt,
        progress=None if job.progress is None else dict(job.progress),
        result=None if result is None else dict(result),
    )


def event_object(event: JobEvent) -> EventObject:
    """The answer that shows one event."""
    return EventObject(
        id=_name("ftevent", event.job, event.number),
        created_at=int(event.created_at),
        level=event.level,
        message=event.message,
        type="metrics" if event.type == "metrics" else "message",  # OpenAI knows no third
        data=None if event.data is None else dict(event.data),
    )


def checkpoints(job: Job, told: Iterable[JobEvent], limit: int, before: int | None = None) -> CheckpointList:
    """A page of the epochs of the training that makes the version, the newest first, those below `before`.

    `told` are all events in the order of time.
    """
    epochs: dict[int, JobEvent] = {}
    for event in told:
        if event.type == "metrics" and event.data is not None and event.data.get("run") == "training":
            epochs[int(event.data["epoch"])] = event  # an epoch that was repeated counts as it came last
    version = job.result["version"] if job.state is State.SUCCEEDED and job.result is not None else None
    last = max(epochs, default=0)
    numbers = sorted((epoch for epoch in epochs if before is None or epoch < before), reverse=True)
    page = [_checkpoint(job.id, n, epochs[n], version if n == last else None) for n in numbers[:limit]]
    first_id, last_id = (page[0].id, page[-1].id) if page else (None, None)
    return CheckpointList(data=page, first_id=first_id, last_id=last_id, has_more=len(numbers) > limit)


def _checkpoint(job_id: str, epoch: int, event: JobEvent, version: str | None) -> CheckpointObject:
    data: Mapping[str, Any] = event.data or {}
    metrics = {
        "step": epoch,
        "train_loss": data.get("loss"),
        "train_accuracy": data.get("accuracy"),
        "valid_loss": data.get("validation_loss"),
        "valid_accuracy": data.get("validation_accuracy"),
        "learning_rate": data.get("learning_rate"),
    }
    return CheckpointObject(
        id=_name("ftckpt", job_id, epoch),
        created_at=int(event.created_at),
        fine_tuned_model_checkpoint=version,
        fine_tuning_job_id=job_id,
        step_number=epoch,
        metrics=metrics,
    )


def number_in(name: str, kind: str, job_id: str) -> int | None:
    """The number in an event's or a checkpoint's id, None where it is no id of this job."""
    found = _NUMBER.fullmatch(name)
    return int(found[3]) if found and found[1] == kind and f"ftjob-{found[2]}" == job_id else None


def _name(kind: str, job_id: str, number: int) -> str:
    return f"{kind}-{job_id.removeprefix('ftjob-')}-{number}"
