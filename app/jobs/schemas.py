"""What clients see of jobs: OpenAI's shapes, then ours."""

from typing import Any, Literal

from pydantic import BaseModel, Field

_OWNER = "digitserve"
_ID = "ftjob-5f2a9c0d1e7b4a68f2a9c0d1"
_METHOD = {"type": "supervised", "supervised": {"unfreeze": "all", "optimizer": "adamw", "promote": "if_better"}}
_RESULT = {
    "version": "digits@2", "accepted": True, "promoted": True, "in_shadow": False,
    "numbers": {"accuracy": 0.9963, "new_accuracy": 0.99},
    "gate": "accepted: 20 held-out new pictures: 90.00% -> 100.00%",
}  # fmt: skip


class JobError(BaseModel):
    """Why a job failed."""

    code: str = Field(examples=["storage_full"])
    message: str = Field(examples=["The disk is full. Free some space and make the job again."])
    param: str | None = None


class JobObject(BaseModel):
    """One fine-tune job."""

    id: str = Field(examples=[_ID])
    object: Literal["fine_tuning.job"] = "fine_tuning.job"
    created_at: int = Field(description="Unix time", examples=[1790000000])
    finished_at: int | None = Field(description="Unix time", examples=[1790000312])
    model: str = Field(description="as the request named it", examples=["digits"])
    fine_tuned_model: str | None = Field(description="the version that was made", examples=["digits@2"])
    organization_id: str = _OWNER
    status: Literal["validating_files", "queued", "running", "succeeded", "failed", "cancelled"] = Field(
        examples=["succeeded"]
    )
    training_file: str = Field(examples=["file-0a1b2c3d4e5f60718293a4b5"])
    validation_file: str | None = Field(description="what judges the result, where the request named it")
    hyperparameters: dict[str, float | int] = Field(
        description="what each `auto` became",
        examples=[{"n_epochs": 30, "batch_size": 32, "learning_rate_multiplier": 1.0}],
    )
    method: dict[str, Any] = Field(description="likewise; sent again, it is the same job", examples=[_METHOD])
    seed: int = Field(examples=[1])
    metadata: dict[str, str] = Field(description="as the request had it", examples=[{"team": "post office"}])
    error: JobError | None = Field(description="why it failed", examples=[None])
    result_files: list[str] = Field(description="always empty: the result is a version", examples=[[]])
    trained_tokens: None = None
    estimated_finish: None = None
    integrations: None = None
    paused: bool = Field(description="a paused job has the status `queued` and waits to be resumed")
    base: str = Field(description="the version it starts from", examples=["digits@1"])
    suffix: str | None = Field(description="of the new model's name, where it makes one")
    attempt: int = Field(description="how often a worker took it", examples=[1])
    progress: dict[str, Any] | None = Field(
        description="of the part that runs", examples=[{"run": "training", "epoch": 30, "epochs": 30}]
    )
    result: dict[str, Any] | None = Field(description="what the gate said, and its numbers", examples=[_RESULT])
    warnings: list[str] = Field(
        description="what is likely to go wrong; only where the job was made this moment", examples=[[]]
    )


class EventObject(BaseModel):
    """Something that happened to a job."""

    id: str = Field(examples=[f"ftevent-{_ID[6:]}-1"])
    object: Literal["fine_tuning.job.event"] = "fine_tuning.job.event"
    created_at: int = Field(description="Unix time", examples=[1790000000])
    level: Literal["info", "warn", "error"]
    message: str = Field(examples=["The job waits for its turn."])
    type: Literal["message", "metrics"] = Field(description="`metrics`: `data` has an epoch's numbers")
    data: dict[str, Any] | None = Field(
        description="`state` where the job's state changed", examples=[{"state": "queued"}]
    )


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
    first_id: str | None = Field(examples=[f"ftckpt-{_ID[6:]}-30"])
    last_id: str | None = Field(examples=[f"ftckpt-{_ID[6:]}-30"])
    has_more: bool


EVENT_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page of events, or with `Accept: text/event-stream` all of them, as they come",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": 'data: {"object": "fine_tuning.job.event", …}\nid: 7\n\n'
                'event: end\ndata: {"object": "fine_tuning.job", …}\n\n',
            }
        },
    }
}
