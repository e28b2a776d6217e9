"""The live view on a terminal of 80 columns."""

import io
import re

from rich.console import Console

from app.cli.watch import WatchBar
from digitserve.client.stream import JobEvent


def epoch(run: str, number: int, epochs: int) -> JobEvent:
    data = {"run": run, "epoch": number, "epochs": epochs, "loss": 0.25, "accuracy": 0.875, "seconds": 2.0}
    return JobEvent(str(number), "metrics", "info", "", {**data, "validation_accuracy": 0.5})


def message(text: str, **data: str) -> JobEvent:
    return JobEvent("1", "message", "warn", text, data)


def shown(*events: JobEvent) -> list[str]:
    """Every line that was drawn, the bar's earlier ones too, without colours."""
    file = io.StringIO()
    bar = WatchBar(Console(file=file, force_terminal=True, width=80))
    for event in events:
        bar.show(event)
        if bar._bar is not None:
            bar._bar.refresh()  # which a thread of its own does ten times a second
    bar.close()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue())
    return [line.rstrip() for line in re.split(r"[\r\n]+", plain) if line.strip()]


def test_the_bar_says_how_far_it_is_and_how_long_it_takes() -> None:
    lines = shown(epoch("training", 10, 30))
    assert max(map(len, lines)) <= 80
    assert any(
        re.search(r"^training .*epoch 10/30 loss 0\.2500  right 87\.5%  val 50\.0% 40 s left$", x) for x in lines
    )


def test_each_run_leaves_one_line_and_notes_stand_above_the_bar() -> None:
    lines = shown(
        message("8 of 12 pictures are usable."), epoch("fold 1", 2, 2), epoch("training", 1, 2),
        message("Half of it is done."), epoch("training", 2, 2), message("evaluating"),
        message("Done.", state="succeeded"),
    )  # fmt: skip
    kept = [line for line in lines if "/2 loss" not in line]  # without the bar itself
    facts = "loss 0.2500, right 87.5%, val 50.0%"
    assert kept == [
        "8 of 12 pictures are usable.", f"fold 1: epoch 2 of 2, {facts}", "Half of it is done.",
        f"training: epoch 2 of 2, {facts}", "evaluating", "Done.",
    ]  # fmt: skip
