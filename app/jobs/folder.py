"""The folder of a job on disk: one of its own for every attempt, so that a worker that lost its job disturbs nobody.

jobs/<job>/attempt-2/recipe.json      what to do; names in it are relative to the folder
                     file-5f2a…       the data sets that it names, linked: nobody can take them away meanwhile
                     feedback         the corrections that there are, as a data set
                     training.pt      checkpoints, the last ones of the attempt before
                     events.jsonl     what the training says        stderr.txt   and its last words
                     go               the worker's leave to publish
"""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from app.errors import NotFound
from app.jobs.job import FEEDBACK, Job

RECIPE, EVENTS, GO = "recipe.json", "events.jsonl", "go"
_CHECKPOINTS = "*.pt"
_LEAST_BYTES = 65_536

WriteCorrections = Callable[[Job, Path], None]  # a job's corrections, to a path


def no_corrections(job: Job, target: Path) -> None:
    """For a worker that has none. Raises NotFound."""
    raise NotFound("feedback_not_found", "There are no corrections here. Make the job with a file.")


def prepare(
    root: Path, job: Job, path_of: Callable[[str], Path], write_corrections: WriteCorrections = no_corrections
) -> Path:
    """Makes the folder of a job's attempt; `path_of` says where a file's bytes are, `write_corrections` makes a data
    set of the corrections that a job learns from. Raises OSError, and what the two raise.
    """
    folder = _attempt(root, job.id, job.attempt)
    root.mkdir(parents=True, exist_ok=True)
    folder.parent.mkdir(mode=0o700, exist_ok=True)  # people's pictures: as closed as the uploads themselves
    folder.mkdir(mode=0o700)
    for file in filter(None, {job.order.training_file, job.order.validation_file}):
        if file == FEEDBACK:
            write_corrections(job, folder / file)
        else:
            _link(path_of(file), folder / file)
    earlier = (_attempt(root, job.id, number) for number in range(job.attempt - 1, 0, -1))
    for checkpoint in next((found for old in earlier if (found := list(old.glob(_CHECKPOINTS)))), []):
        _link(checkpoint, folder / checkpoint.name)  # checkpoints are replaced, never written into
    (folder / RECIPE).write_text(job.order.recipe)
    return folder


def is_full(folder: Path) -> bool:
    """Whether its disk has no room left: then a training can't even say so."""
    return shutil.disk_usage(folder).free < _LEAST_BYTES


def let_publish(folder: Path) -> None:
    """Gives the training leave to publish."""
    (folder / GO).touch()


class EventLines:
    """What the training has said since one last looked. A line that is not whole yet waits."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / EVENTS
        self._read = 0

    def new(self) -> Iterator[dict[str, Any]]:
        """The events of whole new lines; anything else that a library prints is passed over."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")
        self._read += len(whole[0]) + len(whole[1])
        for line in whole[0].splitlines():
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict) and isinstance(event.get("event"), str):
                    yield event


def strip(root: Path, job_id: str) -> None:
    """Takes people's pictures and the weights out of an ended job's folder; what was said and ordered stays."""
    for attempt in (root / job_id).glob("attempt-*"):
        for path in attempt.iterdir():
            if path.name not in (RECIPE, EVENTS, "stderr.txt"):
                path.unlink(missing_ok=True)


def remove(root: Path, job_ids: Collection[str]) -> None:
    """Removes the folders of these jobs, where they are still there."""
    for job_id in job_ids:
        shutil.rmtree(root / job_id, ignore_errors=True)


def present(root: Path) -> list[str]:
    """The jobs that have a folder."""
    return [path.name for path in root.iterdir()] if root.is_dir() else []


def _attempt(root: Path, job_id: str, number: int) -> Path:
    return root / job_id / f"attempt-{number}"


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
