"""Jobs, events and checkpoints -> what clients see of them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.jobs.job import Job, JobEvent, State
from app.jobs.schemas import CheckpointList, CheckpointObject, EventObject, JobError, JobObject

_STATUS = {State.PAUSED: State.QUEUED, State.PUBLISHING: State.RUNNING}
_NUMBER = re.compile(r"([a-z]+)-([0-9a-f]{24})-([1-9][0-9]{0,8})")


def job_object(job: Job, warnings: Sequence[str] = ()) -> JobObject:
    """The answer that shows one job; `warnings` are said when it is made."""
    spec, result = job.spec, job.result
    done = result if job.state is State.SUCCEEDED else None
    return JobObject(
        id=job.id,
        created_at=int(job.created_at),
        finished_at=None if job.finished_at is None else int(job.finished_at),
        model=spec.model,
        fine_tuned_model=None if done is None else str(done["version"]),
        status=str(_STATUS.get(job.state, job.state)),
        training_file=spec.training_file,
        validation_file=spec.validation_file,
        hyperparameters=spec.options["hyperparameters"],
        method=spec.options["method"],
        seed=spec.options["seed"],
        metadata=dict(spec.metadata),
        error=None if job.error is None else JobError.model_validate(job.error),
        result_files=[],
        paused=job.state is State.PAUSED,
        base=spec.base,
        suffix=spec.options["suffix"],
        attempt=job.attempt,
        progress=None if job.progress is None else dict(job.progress),
        result=None if result is None else dict(result),
        warnings=list(warnings),
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
