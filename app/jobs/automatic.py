"""AutomaticJobs: starts a job by itself when enough corrections wait.

Every worker looks, every two seconds; nothing is remembered but the rows. The key of such a job names the one before
it, so that each has one successor, whoever looks and however often.
"""

import math
import time
from collections.abc import Callable
from typing import Any

import structlog

from app.errors import NOTHING_LASTS, AppError, TooBusy
from app.jobs.builder import JobBuilder
from app.jobs.job import ENDED, FEEDBACK, Job
from app.jobs.request import JobRequest
from app.jobs.store import JobStore, new_id
from app.jobs.tables import BY_ITSELF
from models_store.errors import StoreError

STARTED_BY = {"started_by": "feedback"}
_DIGEST = "automatic"  # the request is always the same; what it means is its base's matter
_AGAIN_SECONDS = 60.0  # while too many jobs wait

_log = structlog.get_logger("digitserve.jobs")


class AutomaticJobs:
    """One job at a time, each for at least so many corrections given after the one before was made."""

    def __init__(
        self,
        jobs: JobStore,
        builder: JobBuilder,
        waiting: Callable[[str, float], int],
        model: str,
        job_after: int,
        promote: str = "never",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`waiting` counts a model's corrections that no job learned from, given after a time. `job_after` 0: never.
        `promote` is what becomes of what such a job makes, in a request's word.
        """
        self._jobs = jobs
        self._builder = builder
        self._waiting = waiting
        self._model = model
        self._job_after = job_after
        self._promote = promote
        self._clock = clock
        self._refused = ""  # why no job could be made, which is logged once
        self._refused_at = -math.inf

    def look(self) -> None:
        """Starts a job where one is due. Raises one of NOTHING_LASTS; logs why one can't be made."""
        if not self._job_after or self._clock() - self._refused_at < _AGAIN_SECONDS:
            return
        if self._waiting(self._model, 0.0) < self._job_after:
            return
        begin = f"{BY_ITSELF}{self._model} after "
        last = self._jobs.newest(begin)
        if last is not None and not self._is_over(last):
            return
        try:
            self._start(f"{begin}{last.id if last else 'none'}")
        except NOTHING_LASTS:
            raise
        except (AppError, StoreError) as refusal:
            if str(refusal) != self._refused:
                _log.warning("job_not_started", model=self._model, why=str(refusal))
            self._refused = str(refusal)
            if isinstance(refusal, TooBusy):  # it will be so for a while
                self._refused_at = self._clock()
        else:
            self._refused = ""

    def _is_over(self, last: Job) -> bool:
        """Whether another one is due: the corrections of one that failed or was cancelled start none by themselves."""
        return last.state in ENDED and self._waiting(self._model, last.created_at) >= self._job_after

    def _start(self, key: str) -> None:
        how: dict[str, Any] = {"type": "supervised", "supervised": {"promote": self._promote}}
        request = JobRequest.model_validate(
            {"model": self._model, "training_file": FEEDBACK, "method": how, "metadata": STARTED_BY}
        )
        draft = self._builder.draft(request, new_id())
        job = self._jobs.add(self._builder.build(draft, {}), key, _DIGEST, draft.id)
        if job.id == draft.id:  # otherwise another worker was quicker
            _log.info("job_started", job=draft.id, why=f"{self._job_after} corrections or more wait")
