"""Lines between a worker and a training: every event comes back, also from an earlier release, and chatter is none."""

import json
import math

import pytest

from models_store.handover import (
    EpochEnded,
    Event,
    Failure,
    HeldRows,
    Note,
    Progress,
    ReadyToPublish,
    Result,
    Stage,
    Table,
    from_line,
    to_line,
)

EVENTS: list[tuple[str, Event]] = [
    ("stage", Stage("exporting")),
    ("progress", Progress("training", epoch=2, epochs=30, done=5, steps=12)),
    ("epoch", EpochEnded("fold 1", 1, 2, 0.5, 0.875, 0.1, 1.5, 0.25, 0.75)),
    ("epoch", EpochEnded("training", 1, 2)),
    ("note", Note("Zwei Zeilen:\n7 \u2028 [/x]")),
    ("table", Table("two", ["", "a"], [["accuracy", "99 %"]])),
    ("held", HeldRows([{"name": "7/a.png", "reason": "mark", "group": "given as 1, they share a mark"}])),
    ("ready", ReadyToPublish()),
    ("result", Result({"version": "digits@2", "numbers": {"nll": 0.5}})),
    ("error", Failure("storage_full", "The disk is full: free some space.")),
]


@pytest.mark.parametrize(("name", "event"), EVENTS)
def test_every_event_comes_back_from_its_line(name: str, event: Event) -> None:
    line = to_line(event)
    assert len(line.splitlines()) == 1
    assert next(iter(json.loads(line).items())) == ("event", name)
    assert from_line(line.encode()) == event


def test_a_line_of_release_0_1_is_read() -> None:
    line = (
        b'{"event": "epoch", "run": "training", "number": 1, "epochs": 2, "loss": 0.5, "accuracy": 0.875, '
        b'"learning_rate": 0.1, "seconds": 1.0, "validation_loss": null, "validation_accuracy": null}\n'
    )
    assert from_line(line) == EpochEnded("training", 1, 2, 0.5, 0.875, 0.1, 1.0, None, None)
    progress = b'{"event": "progress", "run": "calibration", "epoch": 1, "epochs": 3, "done": 4, "steps": 5}\n'
    assert from_line(progress) == Progress("calibration", 1, 3, 4, 5)
    assert from_line(b'{"event": "error", "code": "failed", "text": "No."}\n') == Failure("failed", "No.")


def test_a_field_of_a_later_release_is_passed_over() -> None:
    assert from_line(b'{"event": "note", "text": "hello", "urgent": true}') == Note("hello")


@pytest.mark.parametrize(
    "line",
    [
        b"", b"\n", b"Downloading: 100%", b"\xff\xfe", b"{", b"[]", b"7", b'"note"', b"null", b"{}",
        b'{"text": "no event"}', b'{"event": null}', b'{"event": ["note"], "text": "x"}',
        b'{"event": "applause", "text": "of a later release"}', b'{"event": "note"}', b'{"event": "epoch", "run": "x"}',
    ],
)  # fmt: skip
def test_what_else_a_library_prints_is_passed_over(line: bytes) -> None:
    assert from_line(line) is None


def test_infinity_and_what_is_no_number_become_null() -> None:
    epoch = EpochEnded("training", 3, 9, loss=math.inf, accuracy=math.nan, seconds=1.5, validation_loss=-math.inf)
    told = json.loads(to_line(epoch))
    assert [told[name] for name in ("loss", "accuracy", "validation_loss", "seconds")] == [None, None, None, 1.5]
    assert from_line(to_line(epoch).encode()) == EpochEnded("training", 3, 9, seconds=1.5)
    deep = Result({"numbers": {"nll": math.nan, "rows": 3}, "many": [(math.inf, 0.5)]})
    assert from_line(to_line(deep).encode()) == Result({"numbers": {"nll": None, "rows": 3}, "many": [[None, 0.5]]})
