"""Says how a run goes: JSON lines for programs, a progress bar for people. It knows events, not what makes them."""

import dataclasses
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from training.loop import Epoch


class Report(Protocol):
    """Where a run tells what it does."""

    def stage(self, text: str) -> None:
        """Something without a measure of progress began, such as `exporting`."""

    def epoch(self, run: str, epoch: Epoch) -> None:
        """An epoch of the named run (`training`, `calibration`) ended."""

    def result(self, **facts: Any) -> None:
        """The last word: what was made."""


class JsonLines:
    """One JSON object a line on standard output, `event` first."""

    def stage(self, text: str) -> None:
        self._line("stage", text=text)

    def epoch(self, run: str, epoch: Epoch) -> None:
        self._line("epoch", run=run, **dataclasses.asdict(epoch))

    def result(self, **facts: Any) -> None:
        self._line("result", **facts)

    def _line(self, event: str, **facts: Any) -> None:
        print(json.dumps({"event": event, **facts}), flush=True)


class Bar:
    """A bar with the time left, on standard error; the result as plain lines on standard output."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def stage(self, text: str) -> None:
        self._progress.console.print(f"[dim]{text}")

    def epoch(self, run: str, epoch: Epoch) -> None:
        if run not in self._tasks:
            self._tasks[run] = self._progress.add_task(run, total=epoch.epochs, facts="")
        facts = f"loss {epoch.loss:.4f}  right {100 * epoch.accuracy:5.2f} %"
        self._progress.update(self._tasks[run], completed=epoch.number, facts=facts)

    def result(self, **facts: Any) -> None:
        self._progress.stop()
        for key, value in facts.items():
            print(f"{key:>12}  {value}")


@contextmanager
def reporting(as_json: bool) -> Iterator[Report]:
    """JSON lines where asked for or where nobody watches, otherwise the bar."""
    console = Console(file=sys.stderr)
    if as_json or not console.is_terminal:
        yield JsonLines()
        return
    columns = (
        TextColumn("{task.description:>12}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.fields[facts]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield Bar(progress)
