import dataclasses
import io
import json
import math
import re

import pytest
from rich.console import Console

from training.fit.epoch import Epoch
from training.report.progress import JsonLines, ProgressBar, Silent, reporting

FIRST = Epoch(1, 2, loss=0.5, accuracy=0.875, learning_rate=0.1, seconds=1.0)
SECOND = Epoch(2, 2, 0.25, 0.9375, 0.05, 1.0, validation_loss=0.3, validation_accuracy=0.9)


class Clock:
    """Time that passes when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def events(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def terminal(clock: Clock | None = None) -> tuple[ProgressBar, io.StringIO]:
    written = io.StringIO()
    return ProgressBar(Console(file=written, force_terminal=True, width=80, get_time=clock)), written


def seen(written: io.StringIO) -> list[str]:
    """What stood on the screen at any time, line by line."""
    return [line.rstrip() for line in re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.getvalue()))]


def test_every_event_is_one_json_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    report = JsonLines()
    report.stage("exporting")
    report.epoch("training", SECOND)
    report.note("3 rows were left out:\nné [/x]")
    report.table("two", ("", "a"), [("accuracy", "99 %")])
    report.held([{"name": "7/a.png", "reason": "mark", "group": "they share a mark"}])
    report.result(version="digits@1", left={"p": 0.5})
    assert events(capsys) == [
        {"event": "stage", "text": "exporting"},
        {"event": "epoch", "run": "training", "number": 2, "epochs": 2, "loss": 0.25, "accuracy": 0.9375,
         "learning_rate": 0.05, "seconds": 1.0, "validation_loss": 0.3, "validation_accuracy": 0.9},
        {"event": "note", "text": "3 rows were left out:\nné [/x]"},
        {"event": "table", "title": "two", "columns": ["", "a"], "rows": [["accuracy", "99 %"]]},
        {"event": "held", "rows": [{"name": "7/a.png", "reason": "mark", "group": "they share a mark"}]},
        {"event": "result", "version": "digits@1", "left": {"p": 0.5}},
    ]  # fmt: skip


def test_what_is_no_number_is_null_as_json_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    report = JsonLines()
    report.epoch("training", dataclasses.replace(SECOND, loss=math.nan, validation_loss=math.inf))
    report.result(numbers={"nll": -math.inf, "rows": 3}, many=[math.nan, 0.5])
    out = capsys.readouterr().out
    assert "NaN" not in out and "Infinity" not in out
    epoch, result = map(json.loads, out.splitlines())
    assert (epoch["loss"], epoch["accuracy"], epoch["validation_loss"]) == (None, 0.9375, None)
    assert result == {"event": "result", "numbers": {"nll": None, "rows": 3}, "many": [None, 0.5]}


def test_steps_are_told_at_most_once_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    report = JsonLines(clock)
    for done in range(1, 101):  # ten a second
        report.progress("training", 3, done, 100, epochs=5)
        clock.now += 0.1
    told = events(capsys)
    assert told[0] == {"event": "progress", "run": "training", "epoch": 3, "epochs": 5, "done": 1, "steps": 100}
    assert len(told) in (9, 10)  # tenths are no whole numbers in floats


def test_the_bar_knows_the_time_left_during_the_first_epoch() -> None:
    clock = Clock()
    bar, written = terminal(clock)
    for done in range(1, 21):  # a step each second, of two epochs with a hundred
        bar.progress("training", 1, done, 100, epochs=2)
        clock.now += 1
    bar.close()
    assert any(re.fullmatch(r"training [━╸╺ ]+ epoch 1 +0:03:00", line) for line in seen(written))


def test_the_bar_goes_on_where_the_epoch_ended() -> None:
    bar, written = terminal(Clock())
    bar.progress("training", 1, 50, 50)  # how many epochs there are is not told
    bar.epoch("training", FIRST)
    bar.progress("training", 2, 25, 50)
    bar.close()
    (last,) = [line for line in seen(written) if "epoch 2" in line][-1:]
    drawn = last.split()[1]
    assert "loss 0.5000  right 87.50 %" in last
    assert 0.6 < len(drawn.split("╺")[0]) / len(drawn) < 0.8  # 75 of 100 steps
    assert "training: 1 epoch, loss 0.5000, right 87.50 %" in seen(written)


def test_epochs_alone_move_the_bar_too() -> None:
    bar, written = terminal(Clock())
    bar.epoch("fold 1", FIRST)
    bar.epoch("fold 1", SECOND)
    bar.epoch("fold 2", FIRST)  # the run before it is over
    bar.close()
    assert "fold 1: 2 epochs, loss 0.2500, right 93.75 %, val 90.00 %" in seen(written)
    assert "fold 2: 1 epoch, loss 0.5000, right 87.50 %" in seen(written)
    assert max(map(len, seen(written))) <= 80


def test_what_others_wrote_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    bar, written = terminal()
    bar.stage("reading [/x]")
    bar.note("left out: [bold]a[/b].png")
    bar.table("[red]t[/]", ["label", "[x]"], [["[/a]", "1"]])
    assert seen(written)[:2] == ["reading [/x]", "left out: [bold]a[/b].png"]
    printed = capsys.readouterr().out
    assert all(text in printed for text in ("[red]t[/]", "[/a]", "[x]"))


def test_a_table_fits_80_columns_whole(capsys: pytest.CaptureFixture[str]) -> None:
    bar, _ = terminal()
    name = "a_label_" * 20
    bar.table("Labels", ["label", "recall", "precision", "f1-score", "rows"], [[name, *["0.1234"] * 3, "1000"]])
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert "".join(re.findall(r"[a-z_]{9,}", printed.split("f1-score")[1])) == name
    assert printed.count("0.1234") == 3


def test_people_get_the_result_as_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    bar, written = terminal()
    bar.epoch("training", SECOND)
    bar.result(version="digits@1", accuracy=0.99652777777, left={"p": 1})
    assert capsys.readouterr().out == "     version  digits@1\n    accuracy  0.996528\n"
    assert seen(written)[-2:] == ["training: 2 epochs, loss 0.2500, right 93.75 %, val 90.00 %", ""]


def test_programs_get_json_lines() -> None:
    with reporting(True) as asked, reporting(False) as unwatched:  # pytest's standard error is no terminal
        assert isinstance(asked, JsonLines) and isinstance(unwatched, JsonLines)


def test_a_silent_report_tells_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    report = Silent()
    report.stage("exporting")
    report.progress("training", 1, 1, 2)
    report.epoch("training", FIRST)
    report.note("left out")
    report.table("t", ["a"], [["b"]])
    report.held([{"name": "7/a.png", "reason": "mark", "group": "they share a mark"}])
    report.result(version="digits@1")
    assert capfd.readouterr() == ("", "")
