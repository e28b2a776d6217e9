"""Says how a command goes: JSON lines for programs, a progress bar for people."""

import dataclasses
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from models_store import handover

if TYPE_CHECKING:  # whoever reports a job that could not begin has no torch yet
    from training.fit.epoch import Epoch

_WIDTH = 80  # columns that a table may take
_SECONDS_BETWEEN = 1.0  # lines about steps, for programs


class Reporter(Protocol):
    """Whom a command tells what it does."""

    def stage(self, text: str) -> None:
        """Something without a measure of progress began, such as `exporting`."""

    def progress(self, run: str, epoch: int, done: int, steps: int, epochs: int = 1) -> None:
        """The named run did step `done` of the `steps` of this epoch, of which there will be at most `epochs`.

        Epochs and steps count from 1. May be called after every step.
        """

    def epoch(self, run: str, epoch: "Epoch") -> None:
        """An epoch of the named run (`training`, `calibration`) ended."""

    def note(self, text: str) -> None:
        """A sentence that people should see, such as `3 rows were left out: ...`."""

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Numbers side by side; each row has a cell for each column, the first one names the row."""

    def held(self, rows: Sequence[Mapping[str, str]]) -> None:
        """Rows that were left out until a person has looked at them, for programs; people hear a note."""

    def result(self, **facts: Any) -> None:
        """The last word: what was made. A fact that is a mapping is for programs; people have seen it as a table."""


class JsonLines:
    """One JSON object a line on standard output: the events of `models_store.handover`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told = -math.inf  # when `progress` last wrote a line

    def stage(self, text: str) -> None:
        self.say(handover.Stage(text))

    def progress(self, run: str, epoch: int, done: int, steps: int, epochs: int = 1) -> None:
        now = self._clock()
        if now - self._told >= _SECONDS_BETWEEN:
            self._told = now
            self.say(handover.Progress(run, epoch, epochs, done, steps))

    def epoch(self, run: str, epoch: "Epoch") -> None:
        self.say(handover.EpochEnded(run, **dataclasses.asdict(epoch)))

    def note(self, text: str) -> None:
        self.say(handover.Note(text))

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self.say(handover.Table(title, list(columns), [list(row) for row in rows]))

    def held(self, rows: Sequence[Mapping[str, str]]) -> None:
        self.say(handover.HeldRows(rows))

    def result(self, **facts: Any) -> None:
        self.say(handover.Result(facts))

    def say(self, event: handover.Event) -> None:
        """Writes one line at once."""
        print(handover.to_line(event), flush=True)


class ProgressBar:
    """A bar with the time left, on standard error; tables and the result as plain text on standard output.

    The bar lives from a run's first step or epoch until something else is told, and leaves one line behind.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._run, self._facts = "", ""
        self._last = ""  # what the run's line will say
        self._steps, self._epochs = 1, 1

    def stage(self, text: str) -> None:
        self.close()
        self._print(text, "dim")

    def progress(self, run: str, epoch: int, done: int, steps: int, epochs: int = 1) -> None:
        self._begin(run)
        self._steps, self._epochs = steps, max(epoch, epochs, self._epochs)
        self._move(epoch, (epoch - 1) * steps + done)

    def epoch(self, run: str, epoch: "Epoch") -> None:
        self._begin(run)
        self._epochs = epoch.epochs
        self._facts = f"loss {epoch.loss:.4f}  right {100 * epoch.accuracy:.2f} %"
        if epoch.validation_accuracy is not None:
            self._facts += f"  val {100 * epoch.validation_accuracy:.2f} %"
        self._move(epoch.number, epoch.number * self._steps)
        count = f"{epoch.number} {'epoch' if epoch.number == 1 else 'epochs'}"
        self._last = f"{run}: {count}, {self._facts.replace('  ', ', ')}"

    def note(self, text: str) -> None:
        self._print(text, "yellow")

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self.close()
        table = Table(title=Text(title), title_justify="left", title_style="bold")
        for number, name in enumerate(columns):
            table.add_column(Text(name), justify="right" if number else "left", overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        out = Console(file=sys.stdout)
        out.print(table, width=min(_WIDTH, out.width))

    def held(self, rows: Sequence[Mapping[str, str]]) -> None:
        pass

    def result(self, **facts: Any) -> None:
        self.close()
        told = {key: value for key, value in facts.items() if not isinstance(value, Mapping)}
        width = max(12, *map(len, told))
        for key, value in told.items():
            print(f"{key:>{width}}  {f'{value:.6g}' if isinstance(value, float) else value}")

    def close(self) -> None:
        """Takes the bar away."""
        if self._bar is None:
            return
        self._bar.stop()
        self._bar = None
        if self._last:
            self._print(self._last)

    def _begin(self, run: str) -> None:
        if self._bar is None or self._run != run:
            self.close()
            self._run, self._steps, self._epochs, self._facts, self._last = run, 1, 1, "", ""
            self._bar = _bar(self._console)

    def _move(self, epoch: int, completed: int) -> None:
        assert self._bar is not None
        total, facts = self._steps * self._epochs, self._facts
        if self._bar.tasks:
            self._bar.update(self._bar.task_ids[0], completed=completed, total=total, epoch=epoch, facts=facts)
        else:  # a resumed run begins in the middle, which is no speed
            self._bar.add_task(self._run, completed=completed, total=total, epoch=epoch, facts=facts)
            self._bar.start()

    def _print(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style), soft_wrap=True)


def _bar(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("epoch {task.fields[epoch]}", markup=False),
        TextColumn("{task.fields[facts]}", markup=False),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True, expand=True, speed_estimate_period=120)


class Silent:
    """Tells nobody: for all but one of several processes that do the same."""

    def stage(self, text: str) -> None:
        pass

    def progress(self, run: str, epoch: int, done: int, steps: int, epochs: int = 1) -> None:
        pass

    def epoch(self, run: str, epoch: "Epoch") -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        pass

    def held(self, rows: Sequence[Mapping[str, str]]) -> None:
        pass

    def result(self, **facts: Any) -> None:
        pass


@contextmanager
def reporting(as_json: bool) -> Iterator[Reporter]:
    """JSON lines where asked for or where nobody watches, otherwise the bar."""
    console = Console(file=sys.stderr)
    if as_json or not console.is_terminal:
        yield JsonLines()
        return
    bar = ProgressBar(console)
    try:
        yield bar
    finally:
        bar.close()
