"""The folders of jobs on disk: one of its own for every attempt, so that a worker that lost its job disturbs nobody.

jobs/<job>/attempt-2/file-5f2a…   the data sets that its recipe names, linked: nobody can take them away meanwhile
                     feedback     the corrections that there are, as a data set
                     *            what `models_store.handover` says
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from app.errors import NotFound
from app.jobs.job import FEEDBACK, Job
from app.storage import private, refusals
from app.storage.disk import SPARE_BYTES, check_room
from models_store.handover import CHECKPOINTS, ERRORS, EVENTS, GO, RECIPE, Event, from_line

_LEAST_BYTES = 65_536
_AT_ONCE = 2**20  # bytes that are read of what a training says; no event is longer
_MOST_EVENTS = 64 * 2**20  # bytes: progress twice a second for some days
_MOST_ERRORS, _KEPT_ERRORS = 2**20, 2**16  # bytes

WriteCorrections = Callable[[Job, Path], None]  # a job's corrections, to a path


def no_corrections(job: Job, target: Path) -> None:
    """For a worker that has none. Raises NotFound."""
    raise NotFound("feedback_not_found", "There are no corrections here. Make the job with a file.")


class AttemptFolders:
    """The folders of all attempts below one root."""

    def __init__(
        self, root: Path, path_of: Callable[[str], Path], write_corrections: WriteCorrections = no_corrections
    ) -> None:
        """`path_of` says where a file's bytes are, `write_corrections` makes a data set of the corrections that a job
        learns from."""
        self._root = root
        self._path_of = path_of
        self._write_corrections = write_corrections

    def check_room(self) -> None:
        """Raises StorageFull, StateReadOnly where no attempt could be begun: a job waits better than it fails."""
        place = self._root if self._root.exists() else self._root.parent
        if place.is_dir():  # where there is none yet, it is made with the first
            check_room(place, SPARE_BYTES)
            if not os.access(place, os.W_OK | os.X_OK):
                raise refusals.read_only()

    def prepare(self, job: Job) -> Path:
        """Makes the folder of a job's attempt. Raises OSError, and what `path_of` and `write_corrections` raise."""
        folder = self._attempt(job.id, job.attempt)
        private.folder(self._root)
        folder.parent.mkdir(mode=0o700, exist_ok=True)  # people's pictures: as closed as the uploads themselves
        folder.mkdir(mode=0o700)
        for file in filter(None, {job.spec.training_file, job.spec.validation_file}):
            if file == FEEDBACK:
                self._write_corrections(job, folder / file)
            else:
                _link(self._path_of(file), folder / file)
        earlier = (self._attempt(job.id, number) for number in range(job.attempt - 1, 0, -1))
        for checkpoint in next((found for old in earlier if (found := list(old.glob(CHECKPOINTS)))), []):
            _link(checkpoint, folder / checkpoint.name)  # checkpoints are replaced, never written into
        private.write(folder / RECIPE, job.spec.recipe.encode())
        return folder

    def strip(self, job_id: str) -> None:
        """Takes people's pictures and the weights out of an ended job's folder; what was said and ordered stays."""
        for attempt in (self._root / job_id).glob("attempt-*"):
            for path in attempt.iterdir():
                if path.name not in (RECIPE, EVENTS, ERRORS):
                    path.unlink(missing_ok=True)

    def rest(self, job_id: str, until: int) -> None:
        """Takes people's pictures out of the attempts up to this one, at which nobody works: the next one gets copies
        of what there is then. What it goes on from stays."""
        for attempt in (self._root / job_id).glob("attempt-*"):
            number = attempt.name.rpartition("-")[2]
            if not (number.isdigit() and int(number) <= until):
                continue
            for path in attempt.iterdir():
                if path.name not in (RECIPE, EVENTS, ERRORS, GO) and not path.match(CHECKPOINTS):
                    path.unlink(missing_ok=True)

    def remove(self, job_ids: Collection[str]) -> None:
        """Removes the folders of these jobs, where they are still there."""
        for job_id in job_ids:
            shutil.rmtree(self._root / job_id, ignore_errors=True)

    def present(self) -> list[str]:
        """The jobs that have a folder."""
        return [path.name for path in self._root.iterdir()] if self._root.is_dir() else []

    def _attempt(self, job_id: str, number: int) -> Path:
        return self._root / job_id / f"attempt-{number}"


class EventLines:
    """The events of one attempt, as they are written. A line that is not whole yet waits, one without an end is passed
    over.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / EVENTS
        self._read = 0
        self._passes_over = False
        self.more = False  # whether there was more than one look takes

    def new(self) -> Iterator[Event]:
        """What the training has said since one last looked, a mebibyte of it at most."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            block = file.read(_AT_ONCE)
        self.more = len(block) == _AT_ONCE
        whole, end, _ = block.rpartition(b"\n")
        if not end and self.more:
            self._read, self._passes_over = self._read + len(block), True
            return
        self._read += len(whole) + len(end)
        lines = whole.splitlines()
        if end and self._passes_over:
            del lines[:1]
            self._passes_over = False
        for line in lines:
            event = from_line(line)
            if event is not None:
                yield event


def is_too_loud(folder: Path) -> bool:
    """Whether a training has said more than any needs. Of its errors the first stay, and the last as long as few come:
    what is said without an end fills no disk.
    """
    errors = folder / ERRORS
    with contextlib.suppress(FileNotFoundError):
        if errors.stat().st_size > _MOST_ERRORS:
            os.truncate(errors, _KEPT_ERRORS)  # it only appends
    return (folder / EVENTS).stat().st_size > _MOST_EVENTS


def is_full(folder: Path) -> bool:
    """Whether its disk has no room left: then a training can't even say so."""
    return shutil.disk_usage(folder).free < _LEAST_BYTES


def let_publish(folder: Path) -> None:
    """Gives the training leave to publish."""
    (folder / GO).touch()


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
