import dataclasses
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

from tests.support.lessons import SPEC, Heard, recipe_of, stripes
from training.fit.epoch import Epoch
from training.fit.material import Material
from training.fit.runtime import Runtime
from training.learn import learn
from training.report.tensorboard import TensorBoardReporter

FIRST = Epoch(1, 2, loss=0.5, accuracy=0.0, learning_rate=0.1, seconds=1.0)
SECOND = Epoch(2, 2, 0.25, 0.9375, 0.05, 1.0, validation_loss=0.3, validation_accuracy=0.9)
TAGS = {"training/loss", "training/accuracy", "training/learning_rate", "validation/loss", "validation/accuracy"}


def lines(folder: Path) -> dict[str, list[tuple[int, Any]]]:
    """What TensorBoard itself reads in a run's folder: tag -> (step, value) in order."""
    read = EventAccumulator(str(folder))
    read.Reload()
    return {tag: [(it.step, it.value) for it in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def test_each_epochs_numbers_are_there_for_tensorboard(tmp_path: Path) -> None:
    board = TensorBoardReporter(Heard(), tmp_path / "new" / "board")
    for epoch in (FIRST, SECOND):
        board.epoch("training", epoch)
    assert lines(tmp_path / "new" / "board" / "training") == {  # readable while the run goes on
        "training/loss": [(1, 0.5), (2, 0.25)],
        "training/accuracy": [(1, 0.0), (2, 0.9375)],
        "training/learning_rate": [(1, pytest.approx(0.1)), (2, pytest.approx(0.05))],
        "validation/loss": [(2, pytest.approx(0.3))],
        "validation/accuracy": [(2, pytest.approx(0.9))],
    }


def test_each_run_is_a_line_of_its_own(tmp_path: Path) -> None:
    board = TensorBoardReporter(Heard(), tmp_path)
    board.epoch("fold 1", FIRST)
    board.epoch("fold 2", dataclasses.replace(FIRST, loss=2.0))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fold-1", "fold-2"]
    assert lines(tmp_path / "fold-1")["training/loss"] == [(1, 0.5)]
    assert lines(tmp_path / "fold-2")["training/loss"] == [(1, 2.0)]


def test_a_real_run_draws_what_it_reports(tmp_path: Path) -> None:
    heard = Heard()
    recipe = recipe_of(dataclasses.replace(SPEC, epochs=2, validation=0.25))
    fitted = learn("training", recipe, Material(stripes(60)), 3, Runtime(), TensorBoardReporter(heard, tmp_path))
    drawn = lines(tmp_path / "training")
    assert set(drawn) == TAGS
    assert heard.epochs == [("training", epoch) for epoch in fitted.epochs]
    for tag in TAGS:
        part, name = tag.split("/")
        field = name if part == "training" else f"validation_{name}"
        expected = [(epoch.number, pytest.approx(getattr(epoch, field), rel=1e-6)) for epoch in fitted.epochs]
        assert drawn[tag] == expected


def test_the_other_report_hears_everything(tmp_path: Path) -> None:
    heard = Heard()
    board = TensorBoardReporter(heard, tmp_path)
    board.stage("reading")
    board.progress("training", 1, 3, 7, 2)
    board.epoch("training", FIRST)
    board.note("3 rows were left out")
    board.table("a title", ["", "right"], [["fold 1", "90%"]])
    board.result(version="digits@2", accuracy=0.5)
    assert (heard.steps, heard.epochs, heard.notes) == (
        {"training": 7}, [("training", FIRST)], ["3 rows were left out"],
    )  # fmt: skip
    assert (heard.titles, heard.rows) == (["a title"], [["fold 1", "90%"]])
    assert heard.facts == {"version": "digits@2", "accuracy": 0.5}
