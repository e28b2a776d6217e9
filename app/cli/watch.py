"""The live view of one job: a progress bar where somebody looks, otherwise one line per event. It moves no job."""

from collections.abc import Mapping
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from app.cli.client import Client
from app.cli.job_tables import accepted, print_outcome
from app.cli.terminal import console, shown
from digitserve.client.stream import JobEvent

_STYLES = {"warn": "yellow", "error": "red"}


def watch(client: Client, job_id: str, where: str = "") -> int:
    """Shows a job until it ends. Returns 0 where its version may serve, otherwise 1.

    `where` is what a further command needs to reach the same server. Raises Refusal.
    """
    out = console()
    view: WatchView = WatchBar(out) if out.is_terminal else WatchLines(out)
    try:
        for event in client.events(job_id):
            view.show(event)
    except KeyboardInterrupt:
        view.close()
        out.print(shown(f"The job goes on. Come back with: digitserve jobs watch {job_id}{where}"), soft_wrap=True)
        out.print(shown(f"To end it: digitserve jobs cancel {job_id}{where}"), soft_wrap=True)
        raise
    finally:
        view.close()
    job = client.job(job_id)
    if job["status"] == "succeeded":
        print_outcome(job)
    return 0 if accepted(job) else 1


class WatchView(Protocol):
    """Where events are shown."""

    def show(self, event: JobEvent) -> None:
        """One more event."""

    def close(self) -> None:
        """No more will come. May be called twice."""


class WatchLines:
    """One line per event, as a log has it."""

    def __init__(self, out: Console) -> None:
        self._out = out

    def show(self, event: JobEvent) -> None:
        """One more event."""
        text = _epoch_in_words(event.data) if event.type == "metrics" else event.message
        self._out.print(shown(text), soft_wrap=True)

    def close(self) -> None:
        """Nothing is left to do."""


class WatchBar:
    """A bar for the run under way, with everything else above it. Each run leaves one line behind."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._bar: Progress | None = None
        self._run, self._last = "", ""

    def show(self, event: JobEvent) -> None:
        """One more event."""
        if event.type == "metrics":
            self._epoch(event.data)
            return
        if event.state is not None or (self._bar is not None and self._bar.finished):
            self.close()
        style = _STYLES.get(event.level, "bold" if event.state is not None else "dim")
        self._out.print(shown(event.message, style))

    def close(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
            self._out.print(shown(self._last))

    def _epoch(self, data: Mapping[str, Any]) -> None:
        run = str(data.get("run", "training"))
        if self._bar is None or run != self._run:
            self.close()
            self._run = run
            self._bar = _bar(self._out)
            self._bar.start()
        number, epochs = int(data.get("epoch") or 0), int(data.get("epochs") or 1)
        left = max(0, epochs - number) * float(data.get("seconds") or 0)
        facts: dict[str, Any] = {"epoch": f"{number}/{epochs}", "facts": _facts(data), "left": f"{left:.0f} s left"}
        if self._bar.tasks:
            self._bar.update(self._bar.task_ids[0], completed=number, total=epochs, **facts)
        else:
            self._bar.add_task(str(shown(run)), completed=number, total=epochs, **facts)
        self._last = _epoch_in_words(data)


def _bar(out: Console) -> Progress:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("epoch {task.fields[epoch]}", markup=False),
        TextColumn("{task.fields[facts]}", markup=False),
        TextColumn("{task.fields[left]}", markup=False),
    )
    return Progress(*columns, console=out, transient=True, expand=True)


def _epoch_in_words(data: Mapping[str, Any]) -> str:
    facts = _facts(data).replace("  ", ", ")
    return f"{data.get('run', 'training')}: epoch {data.get('epoch')} of {data.get('epochs')}, {facts}"


def _facts(data: Mapping[str, Any]) -> str:
    """Of the pictures as they were trained on: bent, each time another way."""
    told = [
        f"loss {data['loss']:.4f}" if data.get("loss") is not None else "",
        f"right {data['accuracy']:.1%}" if data.get("accuracy") is not None else "",
        f"val {data['validation_accuracy']:.1%}" if data.get("validation_accuracy") is not None else "",
    ]
    return "  ".join(filter(None, told))
