"""What the command line prints of jobs, within 80 columns."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from app.cli.terminal import console, shown

_STYLES = {"succeeded": "green", "failed": "red", "cancelled": "dim", "running": "yellow"}


def print_jobs(jobs: Sequence[Mapping[str, Any]]) -> None:
    """A row per job, in the order given."""
    if not jobs:
        console().print("There is no job here yet. Make one: digitserve jobs create digits --file PATH")
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("job", no_wrap=True)  # whole, to be copied
    table.add_column("status", no_wrap=True)
    table.add_column("from", overflow="fold")
    table.add_column("result", overflow="fold")
    table.add_column("made (UTC)", no_wrap=True)
    for job in jobs:
        status = status_of(job)
        made = _time(job.get("created_at"))
        result = shown(job.get("fine_tuned_model") or "")
        table.add_row(shown(job["id"]), shown(status, _STYLES.get(status, "")), shown(job["base"]), result, made)
    console().print(table)


def print_job(job: Mapping[str, Any]) -> None:
    """The facts of one job, a line each, and at its end what came of it."""
    error = job.get("error") or {}
    files = " and ".join(filter(None, (job.get("training_file"), job.get("validation_file"))))
    chosen = ", ".join(f"{key} {value}" for key, value in (job.get("hyperparameters") or {}).items())
    facts = {
        "job": job["id"],
        "status": status_of(job),
        "from": job["base"],
        "files": files,
        "chosen": chosen,
        "made (UTC)": _time(job.get("created_at")),
        "ended (UTC)": _time(job.get("finished_at")),
        "result": job.get("fine_tuned_model"),
        "error": error.get("message"),
    }
    table = Table(box=None, show_header=False)
    for key, value in facts.items():
        if value not in (None, ""):
            table.add_row(f"[bold]{key}", shown(value))
    console().print(table)
    if job["status"] == "succeeded":
        console().print(shown(f"The gate: {(job.get('result') or {}).get('gate', '')}"))
        print_outcome(job)


def print_outcome(job: Mapping[str, Any]) -> None:
    """What a succeeded job changed: the shares of pictures read right, and what to type next."""
    out, result = console(), job.get("result") or {}
    numbers = result.get("numbers") or {}
    rows = {
        "the new pictures": ("new_accuracy_of_base", "new_accuracy"),
        "the base's own test": ("accuracy_of_base", "accuracy"),
    }
    table = Table("read right of", box=SIMPLE_HEAD)
    table.add_column("before", justify="right")
    table.add_column("after", justify="right")
    for name, (before, after) in rows.items():
        if after in numbers and (before in numbers or name == "the new pictures"):
            count = (
                f", {numbers['new_rows']:.0f} that judge" if after == "new_accuracy" and "new_rows" in numbers else ""
            )
            table.add_row(f"{name}{count}", _share(numbers.get(before)), _share(numbers[after]))
    if table.row_count:
        out.print(table)
    for line in next_step(job):
        out.print(shown(line), soft_wrap=True)


def next_step(job: Mapping[str, Any]) -> tuple[str, ...]:
    """Which version answers now, and on a line of its own what to type to change that."""
    result = job.get("result") or {}
    version = str(result.get("version") or job.get("fine_tuned_model"))
    name, _, number = version.partition("@")
    if result.get("promoted"):
        if number == "1":
            return (f"{version} serves now, the first of its model.",)
        return f"{version} serves now. The one before comes back with:", f"    digitserve models rollback {name}"
    if not accepted(job):
        return (f"Nothing changed: {version} was not good enough, and is kept to be looked at.",)
    if result.get("in_shadow"):
        return (f"{version} reads unseen beside the champion. The page /shadow shows where they differ.",)
    return f"{version} waits. To let it serve:", f"    digitserve models promote {version}"


def accepted(job: Mapping[str, Any]) -> bool:
    """Whether a job ended with a version that may serve."""
    return job["status"] == "succeeded" and bool((job.get("result") or {}).get("accepted"))


def status_of(job: Mapping[str, Any]) -> str:
    """One word for people: a paused job waits too, but for somebody."""
    return "paused" if job.get("paused") else str(job["status"])


def _share(number: float | None) -> str:
    return "" if number is None else f"{number:.2%}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%m-%d %H:%M")
