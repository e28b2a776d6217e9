"""What a worker and a training tell each other, in the folder of one attempt at a job: file names and events.

FOLDER/recipe.json    the worker: what to do; names in it are relative to the folder
       givers.json    the worker: who gave which picture, by pseudonyms; missing where nobody is told from others
       events.jsonl   the training: one event a line, on its standard output
       stderr.txt     the training: its last words
       *.pt           the training: checkpoints, those of an earlier attempt too
       go             the worker: the finished version may be published

Folders of earlier releases are read too: names of files, events and fields only ever come, and never change.
"""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

RECIPE, EVENTS, ERRORS, GO = "recipe.json", "events.jsonl", "stderr.txt", "go"
GIVERS = "givers.json"  # a picture's id (the stem of its name in the data set) -> a pseudonym of its giver
SEEN = ""  # in the place of a giver: a person has looked at the picture, and it is never held back again
CHECKPOINTS = "*.pt"


@dataclass(frozen=True)
class Stage:
    """Something without a measure of progress began."""

    text: str


@dataclass(frozen=True)
class Progress:
    """A named run did step `done` of the `steps` of this epoch; all count from 1."""

    run: str
    epoch: int
    epochs: int
    done: int
    steps: int


@dataclass(frozen=True)
class EpochEnded:
    """A named run ended an epoch, with these numbers. A number that is not finite is None."""

    run: str
    number: int
    epochs: int
    loss: float | None = None
    accuracy: float | None = None
    learning_rate: float | None = None
    seconds: float | None = None
    validation_loss: float | None = None
    validation_accuracy: float | None = None


@dataclass(frozen=True)
class Note:
    """A sentence that people should see."""

    text: str


@dataclass(frozen=True)
class Table:
    """Numbers side by side."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class HeldRows:
    """Rows that were left out until a person has looked at them.

    Each row has `name` (its file's in the data set, or where it stands in its table), `reason` ("contradicts", "alike"
    or "mark") and `group` (a sentence of what its neighbours have in common; equal for one group).
    """

    rows: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class ReadyToPublish:
    """The version is complete and waits for leave to be published."""


@dataclass(frozen=True)
class Result:
    """The last word: what was made."""

    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Failure:
    """The job can't be done: the stable name of the reason, and one sentence that says what to do."""

    code: str
    text: str


Event = Stage | Progress | EpochEnded | Note | Table | HeldRows | ReadyToPublish | Result | Failure
_NAMES: Mapping[type[Event], str] = {
    Stage: "stage", Progress: "progress", EpochEnded: "epoch", Note: "note", Table: "table", HeldRows: "held",
    ReadyToPublish: "ready", Result: "result", Failure: "error",
}  # fmt: skip
_KINDS = {name: kind for kind, name in _NAMES.items()}


def to_line(event: Event) -> str:
    """The event as one JSON object, `event` first, without a line break; infinity and what is no number as null."""
    facts = event.facts if isinstance(event, Result) else dataclasses.asdict(event)
    return json.dumps(_finite({"event": _NAMES[type(event)], **facts}), allow_nan=False)


def from_line(line: bytes) -> Event | None:
    """The event of one line; None for anything else that a library prints, and for events of later releases."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    kind = _KINDS.get(str(document.get("event"))) if isinstance(document, dict) else None
    if kind is None:
        return None
    facts = {key: value for key, value in document.items() if key != "event"}
    if kind is Result:
        return Result(facts)
    known = {field.name: facts[field.name] for field in dataclasses.fields(kind) if field.name in facts}
    try:
        return kind(**known)
    except TypeError:  # a field without a default is missing
        return None


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
