"""Job: one fine-tuning as a frozen record, its states, and the table of every legal move.

queued ──claim──> running ──publish──> publishing ──succeed──> succeeded
  │  ^              │ │ ^                  ^  │
  │  └───release────┘ │ └── claim *        │  └── fail ──> failed
pause                 ├── fail ──> failed  └── claim *, publish, release: it stays what it is
  v                   └── cancel ──> cancelled          (queued and paused jobs too)
paused ──resume──> queued

* where the lease of the one before is over
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

Promote = Literal["never", "if_better", "shadow"]  # what becomes of an accepted version
FEEDBACK = "feedback"  # in the place of a file's id: all corrections of the base's model


class State(StrEnum):
    """Where a job is. From `publishing` on its result may be visible: nothing stops it any more, not after a crash."""

    QUEUED = "queued"
    PAUSED = "paused"
    RUNNING = "running"
    PUBLISHING = "publishing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Move(StrEnum):
    """What can happen to a job. The first three come from people, the others from the worker that holds it."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    CLAIM = "claim"
    RELEASE = "release"
    PUBLISH = "publish"
    SUCCEED = "succeed"
    FAIL = "fail"


MOVES: Mapping[Move, Mapping[State, State]] = {
    Move.CANCEL: {
        State.QUEUED: State.CANCELLED, State.PAUSED: State.CANCELLED, State.RUNNING: State.CANCELLED,
    },
    Move.PAUSE: {State.QUEUED: State.PAUSED, State.RUNNING: State.PAUSED},
    Move.RESUME: {State.PAUSED: State.QUEUED},
    Move.CLAIM: {State.QUEUED: State.RUNNING, State.RUNNING: State.RUNNING, State.PUBLISHING: State.PUBLISHING},
    Move.RELEASE: {State.RUNNING: State.QUEUED, State.PUBLISHING: State.PUBLISHING},
    Move.PUBLISH: {State.RUNNING: State.PUBLISHING, State.PUBLISHING: State.PUBLISHING},
    Move.SUCCEED: {State.PUBLISHING: State.SUCCEEDED},
    Move.FAIL: {State.RUNNING: State.FAILED, State.PUBLISHING: State.FAILED},
}  # fmt: skip
ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})
HELD = frozenset({State.RUNNING, State.PUBLISHING})  # by a worker, as long as its lease lasts


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """What somebody asks for, checked: nothing in it can turn out to be no recipe."""

    base: str  # the version to start from: `digits@1`
    model: str  # as it was named in the request
    training_file: str  # a file's id, or FEEDBACK
    validation_file: str | None
    publish_to: str
    promote: Promote  # make the result the champion, where it is better and its base still is; or the challenger
    recipe: str  # a Recipe as JSON; `data.path` and `finetune.validation` are file ids
    options: Mapping[str, Any]  # the request's own words, to show again: hyperparameters, method, suffix, seed
    metadata: Mapping[str, str]
    pictures: float = 0.0  # that the net is shown: those of every batch, over all epochs and all nets


@dataclass(frozen=True, kw_only=True)
class Job:
    """One row. Times are Unix seconds of the database's clock."""

    id: str
    state: State
    spec: JobSpec
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    worker: str | None = None  # who holds it
    attempt: int = 0  # grows with every claim: the fencing token of whoever holds it
    tries: int = 0  # attempts that count: those that were not ended by a pause or a worker's orderly stop
    lease_until: float | None = None
    worked_seconds: float = 0.0  # that its workers have held it, over all attempts
    progress: Mapping[str, Any] | None = None  # run, epoch, epochs, done, steps
    result: Mapping[str, Any] | None = None  # version, accepted, gate, promoted, in_shadow, numbers
    error: Mapping[str, Any] | None = None  # code, message, param


@dataclass(frozen=True, kw_only=True)
class JobEvent:
    """Something that happened to a job. `number` counts from 1 within the job, without gaps."""

    job: str
    number: int
    created_at: float
    level: str  # info, warn, error
    type: str  # message, metrics (data: an epoch's numbers) or state (data: {"state": …}), which a job ends with
    message: str
    data: Mapping[str, Any] | None = None
