"""Data sets, jobs and versions, as the server tells of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from digitserve.client.readings import Document

Status = Literal["validating_files", "queued", "running", "succeeded", "failed", "cancelled"]
ENDED = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class DataSet:
    """An upload, and what became of its rows."""

    id: str
    filename: str
    bytes: int
    sha256: str
    rows: int
    kept: int
    duplicates: int
    conflicting_labels: int
    refused: Mapping[str, int]  # by the code of the reason
    per_label: Mapping[str, int]

    @classmethod
    def of(cls, answer: Document) -> "DataSet":
        """From JSON."""
        report = answer["report"]
        facts = {name: (answer if name in answer else report)[name] for name in cls.__dataclass_fields__}
        return cls(**facts)


@dataclass(frozen=True)
class Outcome:
    """What a job that succeeded has made. Only a version that is `accepted` may serve."""

    version: str  # such as "digits@3"
    accepted: bool
    promoted: bool  # it serves already
    in_shadow: bool  # it reads unseen beside the champion
    gate: str  # why, in a sentence
    numbers: Mapping[str, float]
    job: str

    @classmethod
    def of(cls, result: Document, job: str) -> "Outcome":
        """From JSON."""
        return cls(
            version=str(result["version"]),
            accepted=bool(result["accepted"]),
            promoted=bool(result.get("promoted")),
            in_shadow=bool(result.get("in_shadow")),
            gate=str(result.get("gate", "")),
            numbers=result.get("numbers") or {},
            job=job,
        )


@dataclass(frozen=True)
class Job:
    """A fine-tune job. `outcome` is there where it succeeded, `error` where it failed."""

    id: str
    status: Status
    paused: bool
    base: str  # the version that it starts from
    training_file: str
    validation_file: str | None
    created_at: int  # Unix time
    finished_at: int | None
    attempt: int  # how often a worker took it
    progress: Mapping[str, Any] | None
    hyperparameters: Mapping[str, float]
    seed: int
    metadata: Mapping[str, str]
    warnings: tuple[str, ...]  # what is likely to go wrong; only where the job was made this moment
    error_code: str | None
    error: str | None
    outcome: Outcome | None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in ENDED

    @classmethod
    def of(cls, answer: Document) -> "Job":
        """From JSON."""
        error = answer.get("error") or {}
        result = answer.get("result") if answer["status"] == "succeeded" else None
        return cls(
            id=str(answer["id"]),
            status=answer["status"],
            paused=bool(answer.get("paused")),
            base=str(answer["base"]),
            training_file=str(answer["training_file"]),
            validation_file=answer.get("validation_file"),
            created_at=int(answer["created_at"]),
            finished_at=answer.get("finished_at"),
            attempt=int(answer["attempt"]),
            progress=answer.get("progress"),
            hyperparameters=answer["hyperparameters"],
            seed=int(answer["seed"]),
            metadata=answer.get("metadata") or {},
            warnings=tuple(answer.get("warnings") or ()),
            error_code=error.get("code"),
            error=error.get("message"),
            outcome=None if result is None else Outcome.of(result, str(answer["id"])),
        )


@dataclass(frozen=True)
class Model:
    """A model of the store; labels, metrics and parent are its champion's."""

    name: str
    versions: tuple[int, ...]
    aliases: Mapping[str, int]
    labels: tuple[str, ...]
    metrics: Mapping[str, float]
    parent: str | None

    @classmethod
    def of(cls, answer: Document) -> "Model":
        """From JSON."""
        return cls(
            name=str(answer["id"]),
            versions=tuple(answer["versions"]),
            aliases=answer["aliases"],
            labels=tuple(answer["labels"]),
            metrics=answer["metrics"],
            parent=answer.get("parent"),
        )


@dataclass(frozen=True)
class Version:
    """One version of a model. `manifest` is all that is known of how it was made."""

    ref: str  # such as "digits@3"
    aliases: tuple[str, ...]
    parent: str | None
    job: str | None  # that made it
    manifest: Mapping[str, Any]

    @property
    def number(self) -> int:
        """Its place in the row of the model's versions."""
        return int(self.ref.rpartition("@")[2])

    @classmethod
    def of(cls, answer: Document) -> "Version":
        """From JSON."""
        return cls(
            str(answer["id"]), tuple(answer["aliases"]), answer.get("parent"), answer.get("job"), answer["manifest"]
        )
