"""The folder of one fine-tune job, as the process sees it that does the job: what to do, the leave to publish, how it
ends. `models_store.handover` has its files and events.
"""

import contextlib
import dataclasses
import json
import os
import signal
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from models_store import durable
from models_store.errors import (
    BadRef,
    DataSetRejected,
    ManifestMismatch,
    RecipeRejected,
    RecordRejected,
    StoreError,
    StoreFull,
    StoreReadOnly,
)
from models_store.handover import GIVERS, GO, RECIPE, Failure, ReadyToPublish
from models_store.machine import end_with_parent
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry, Version
from training.errors import BaseUnusable, JobAbandoned, TrainingDiverged, TrainingError
from training.report.progress import JsonLines

REFUSED, BROKEN, TERMINATED = 2, 1, 128 + signal.SIGTERM  # exit codes
_LOOK_SECONDS = 0.02
_PATIENCE_SECONDS = 600.0  # a worker that has not answered by then never will: it has its own, shorter, limits
_CODES: tuple[tuple[type[Exception], str], ...] = (
    (BaseUnusable, "base_unusable"),
    (TrainingDiverged, "training_diverged"),
    (JobAbandoned, "job_abandoned"),
    (RecipeRejected, "recipe_rejected"),
    (RecordRejected, "recipe_rejected"),
    (BadRef, "recipe_rejected"),
    (ManifestMismatch, "version_unservable"),
    (StoreError, "training_refused"),
    (TrainingError, "training_refused"),
)


@dataclass(frozen=True)
class JobFolder:
    """One attempt at a job."""

    folder: Path
    recipe: Recipe  # its files by whole paths
    id: str  # empty where nobody gave it one
    patience_seconds: float = _PATIENCE_SECONDS
    givers: Mapping[str, str] | None = None  # of the pictures, by the stems of their names; None where nobody is told

    def published(self, registry: Registry) -> Version | None:
        """The version that another attempt at this job has published.

        It becomes the champion where its model has none: the attempt may have been killed just before that.
        """
        if not self.id:
            return None
        name = self.recipe.publish_to
        for number in reversed(registry.versions(name)):
            try:
                version = registry.resolve(Ref(name, None, number))
            except StoreError:  # not readable: no attempt left it so
                continue
            task = version.manifest.recipe.finetune
            if task is not None and task.job == self.id:
                registry.crown(version)
                return version
        return None

    def wait(self) -> None:
        """Says `ready` on standard output and waits for leave to publish. Raises JobAbandoned where none is given."""
        JsonLines().say(ReadyToPublish())
        until = time.monotonic() + self.patience_seconds
        while not (self.folder / GO).exists():
            if time.monotonic() > until:
                raise JobAbandoned("Nobody gave leave to publish the result, so the job ended. Make it again.")
            time.sleep(_LOOK_SECONDS)


def open_job(folder: Path) -> JobFolder:
    """Reads what is to be done. Raises RecipeRejected, OSError."""
    recipe = Recipe.from_json((folder / RECIPE).read_text())
    task = recipe.finetune
    if task is None or recipe.data.source != "files":
        raise RecipeRejected("A job's recipe needs the table finetune and data of its own.")
    validation = str(folder / task.validation) if task.validation else ""
    recipe = dataclasses.replace(
        recipe,
        data=dataclasses.replace(recipe.data, path=str(folder / recipe.data.path)),
        finetune=dataclasses.replace(task, validation=validation),
    )
    return JobFolder(folder, recipe, task.job, givers=_givers(folder))


def _givers(folder: Path) -> Mapping[str, str] | None:
    try:
        read = json.loads((folder / GIVERS).read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        read = None
    if not isinstance(read, dict) or not all(isinstance(giver, str) for giver in read.values()):
        raise RecipeRejected(f"{GIVERS} of the job's folder is no table of names and givers: make the job again.")
    return read


def run(work: Callable[[], None]) -> int:
    """Does the work and returns the exit code; whatever goes wrong is one `error` line on standard output."""
    try:
        work()
    except _Terminated:
        return TERMINATED
    except Exception as error:  # the last one to hear of it
        code, text = reason(error)
        with contextlib.suppress(OSError):  # the disk that is full holds the lines too
            JsonLines().say(Failure(code, text))
        if code != _INTERNAL[0]:
            return REFUSED
        traceback.print_exception(error)
        return BROKEN
    return 0


_INTERNAL = ("internal_error", "Something broke in the training, which the operator's log describes. Try again.")


def reason(error: Exception) -> tuple[str, str]:
    """The stable name of what went wrong, and one sentence for whoever asked for the job."""
    if isinstance(error, DataSetRejected):
        return error.code, str(error)
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, StoreFull) or number in durable.FULL:
        return "storage_full", "The disk is full. Free some space and make the job again."
    if isinstance(error, StoreReadOnly) or number in durable.READ_ONLY:
        return "store_read_only", "The worker may not write into the store. Let its user do so and make the job again."
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _is_of_memory(error)):
        return "out_of_memory", "The training needs more memory than there is. Take a smaller batch_size."
    if isinstance(error, TrainingDiverged):  # its own text names the command line's options
        return "training_diverged", "The loss grew instead of falling. Take a lower learning rate."
    return next(((code, str(error)) for kind, code in _CODES if isinstance(error, kind)), _INTERNAL)


def _is_of_memory(error: RuntimeError) -> bool:
    """torch has a class of its own for GPUs only."""
    return type(error).__name__ == "OutOfMemoryError" or "allocate memory" in str(error)


class _Terminated(BaseException):
    """SIGTERM came: as an exception it takes away whatever is half-written, and nobody takes it for an error."""


def _terminated(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Terminated


def obey(parent: int | None) -> None:
    """Makes this process end tidily at SIGTERM, and with the thread that started it: by SIGKILL, and on Linux only.

    `parent` is the process that started it, which may be gone by now; None where nobody said which that was.
    """
    signal.signal(signal.SIGTERM, _terminated)
    end_with_parent(os.getppid() if parent is None else parent)
