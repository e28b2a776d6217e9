"""One attempt at a job: starts the training, passes on what it says, and sees that it ends one way or another."""

import dataclasses
import math
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from app.errors import NOTHING_LASTS, StorageFull
from app.jobs.corrections import hold
from app.jobs.folder import AttemptFolders, EventLines, is_full, is_too_loud, let_publish
from app.jobs.job import Job, State
from app.jobs.launcher import Launcher, Run
from app.jobs.leases import Leases
from app.jobs.promotion import Promoter
from app.jobs.watchdog import Watchdog
from app.storage.audit.acting import because_of
from models_store.handover import (
    EpochEnded,
    Event,
    Failure,
    HeldRows,
    Note,
    Progress,
    ReadyToPublish,
    Result,
    Stage,
    Table,
)

_LOOK_SECONDS = 0.1  # between two looks at what the training says
_BEAT_SECONDS = 1.0
_LAST_SECONDS = 2.0  # from the request to end until the end
_MOST_WAITING = 1000  # events that are held for a database that does not answer
_TOLD = ("version", "accepted", "gate", "numbers")  # of the result; where things lie is nobody's business

_TOO_LOUD = "job_crashed", "The training wrote messages without end and was stopped. Ask the operator to look."
FULL = "storage_full", "The disk is full. Free some space and make the job again."

_log = structlog.get_logger("digitserve.jobs")


class Lost(Exception):
    """The job is no longer ours: it was cancelled or paused, or another worker has it."""


class Attempt:
    """From the claim of a job until it is ended, given back or lost. Used once."""

    def __init__(
        self,
        job: Job,
        leases: Leases,
        launcher: Launcher,
        promoter: Promoter,
        folders: AttemptFolders,
        stall_seconds: float,
        max_seconds: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A training that makes no progress for `stall_seconds` of the processor is stopped. A job that was worked at
        for `max_seconds`, in all of its attempts, is ended.
        """
        self._job = job
        self._leases = leases
        self._launcher = launcher
        self._promoter = promoter
        self._folders = folders
        self._stall_seconds = stall_seconds
        self._max_seconds = max_seconds
        self._clock = clock
        self._worked, self._began = job.worked_seconds, clock()  # before this attempt; since when it runs
        self._said: deque[Event] = deque()  # heard, and not yet in the database
        self._progress: dict[str, Any] | None = None
        self._publishes = job.state is State.PUBLISHING  # its version may be there already
        self._result: Mapping[str, Any] | None = None
        self._error: tuple[str, str] | None = None
        self._beaten = clock()  # when the database last took something

    def run(self, wait: Callable[[float], bool]) -> None:
        """`wait` sleeps so many seconds and says whether this worker shall stop. Raises OSError, NotFound, Lost, and
        one of NOTHING_LASTS where the lease is over before the database is back."""
        folder = self._folders.prepare(self._job)
        child = self._launcher.start(folder)
        try:
            stopped = self._follow(child, folder, wait)
        finally:
            _end(child)
        if stopped is not None:
            stopped()
        else:
            self._conclude(child.code(), folder, wait)

    def _follow(self, child: Run, folder: Path, wait: Callable[[float], bool]) -> Callable[[], bool] | None:
        """Until the training has ended: None. Otherwise it has to be stopped: what is to be said of the job then."""
        lines, watchdog = EventLines(folder), Watchdog(self._stall_seconds, self._clock)
        while True:
            ended = child.code() is not None  # asked before reading: the last line comes before the end
            listens = len(self._said) < _MOST_WAITING
            for event in lines.new() if listens else ():
                watchdog.progress()
                self._said.append(event)
            try:
                self._pass_on(folder)
            except StorageFull:
                if self._publishes:
                    raise
                return lambda: self._leases.fail(self._job, *FULL)
            if ended and listens and not (lines.more or self._said):
                return None
            if not ended and is_too_loud(folder):
                child.kill()
                return lambda: self._leases.fail(self._job, *_TOO_LOUD)
            if not ended and watchdog.stalled(child.cpu_seconds()):
                why = "The training made no progress and was stopped."
                return lambda: self._leases.release(self._job, why, counts=True)
            if self._is_too_long():
                return self._end_too_long
            if wait(_LOOK_SECONDS):
                why = "The worker was stopped; another attempt goes on from the last whole epoch."
                return lambda: self._leases.release(self._job, why, counts=False)

    def _pass_on(self, folder: Path) -> None:
        """Everything heard goes into the database, or waits for it as long as the lease lasts."""
        self._job = dataclasses.replace(self._job, worked_seconds=self._worked + self._clock() - self._began)
        try:
            while self._said:
                self._take(self._said[0], folder)
                self._said.popleft()
            if self._clock() - self._beaten >= _BEAT_SECONDS:
                self._sure(self._leases.beat(self._job, self._progress))
        except NOTHING_LASTS:
            if self._clock() - self._beaten >= self._leases.lease_seconds - _BEAT_SECONDS:
                raise

    def _is_too_long(self) -> bool:
        return self._job.worked_seconds > self._max_seconds and not self._publishes

    def _end_too_long(self) -> bool:
        message = (
            f"The job took {self._max_seconds / 3600:g} hours, and no job may take longer. Make it again with fewer "
            "n_epochs or fewer pictures."
        )
        return self._leases.fail(self._job, "job_too_long", message)

    def _take(self, event: Event, folder: Path) -> None:
        match event:
            case Progress():
                self._progress = dataclasses.asdict(event)
            case EpochEnded():
                self._take_epoch(event)
            case ReadyToPublish():
                self._sure(self._leases.publish(self._job))
                self._publishes = True
                let_publish(folder)
            case Result():
                self._result = event.facts
            case Failure():
                self._error = event.code, event.text
            case Stage():
                self._sure(self._leases.tell(self._job, "info", "message", event.text))
            case Note():
                self._sure(self._leases.tell(self._job, "warn", "message", event.text))
            case HeldRows():
                said = partial(hold, rows=event.rows, learned=self._progress is not None)
                self._sure(self._leases.along(self._job, said))
            case Table():
                self._sure(self._leases.tell(self._job, "info", "message", event.title))

    def _take_epoch(self, event: EpochEnded) -> None:
        facts = dataclasses.asdict(event)
        facts["epoch"] = facts.pop("number")
        loss = "" if event.loss is None else f", loss {event.loss:.4f}"
        text = f"{event.run}: epoch {event.number} of {event.epochs}{loss}"
        self._progress = {key: facts[key] for key in ("run", "epoch", "epochs")}
        self._sure(self._leases.tell(self._job, "info", "metrics", text, facts))

    def _sure(self, ours: bool) -> None:
        if not ours:
            raise Lost
        self._beaten = self._clock()

    def _conclude(self, code: int | None, folder: Path, wait: Callable[[float], bool]) -> None:
        if self._result is not None:
            self._patiently(self._succeed, wait)
        elif self._error is not None or is_full(folder):
            error = self._error or FULL
            self._patiently(lambda: self._leases.fail(self._job, *error), wait)
        else:
            how = f"by {signal.Signals(-code).name}" if code is not None and code < 0 else f"with code {code}"
            why = f"The training process ended {how} without a result."
            self._patiently(lambda: self._leases.release(self._job, why, counts=True), wait)

    def _succeed(self) -> bool:
        assert self._result is not None
        self._sure(self._leases.beat(self._job, self._progress))  # who lost the job moves no alias
        with because_of(job=self._job.id):
            placed = self._promoter.promote(self._job.spec, self._result)
        level = "info" if placed.is_champion or placed.in_shadow else "warn"
        self._leases.tell(self._job, level, "message", placed.said)
        told = {key: value for key, value in self._result.items() if key in _TOLD}
        return self._leases.succeed(self._job, {**told, "promoted": placed.is_champion, "in_shadow": placed.in_shadow})

    def _patiently(self, last_word: Callable[[], bool], wait: Callable[[float], bool]) -> None:
        """Says how the job ended, again while the database does not answer and the lease lasts."""
        while True:
            try:
                self._sure(last_word())
                return
            except NOTHING_LASTS:
                if self._clock() - self._beaten >= self._leases.lease_seconds:
                    raise
                if wait(_LOOK_SECONDS):  # told to stop: the next attempt finds what is published and says it
                    raise


def _end(child: Run) -> None:
    """Asks a training to end, and ends it where it does not."""
    if child.code() is not None:
        return
    child.terminate()
    deadline = time.monotonic() + _LAST_SECONDS
    while child.code() is None and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    if child.code() is None:
        _log.warning("training_killed")
        child.kill()
