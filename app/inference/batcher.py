"""Batcher: rows that wait -> batches -> each caller's own rows back.

A batch is what one tick of the event loop brought, and two more ticks unless the last batch was a single row; or what
came while the previous batch was computed. There is no timer: an idle service answers at once, a busy one fills its
batches by itself.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[Any]
Compute = Callable[[Rows], Rows]
RowsOfBatch = Callable[[int], None]


def uncounted(_: int) -> None:
    """Where nobody wants to know."""


class Overloaded(Exception):
    """So many rows wait already that more would only wait in vain."""


class TooLate(Exception):
    """The deadline passed before the first of the rows got its turn."""


class NeedsThread(Exception):
    """A batch that takes longer than the event loop may be held: it is computed in the executor."""


@dataclass(frozen=True)
class BatchResult:
    """Answers, and the seconds that their batches took to compute."""

    rows: Rows
    seconds: float


@dataclass(eq=False)
class _Queued:
    rows: Rows
    deadline: float
    future: asyncio.Future[BatchResult]
    taken: int = 0  # rows that are in a batch already
    answers: list[Rows] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def left(self) -> int:
        return len(self.rows) - self.taken


@dataclass(frozen=True)
class _Share:
    """Consecutive rows of one caller in one batch."""

    queued: _Queued
    rows: Rows


class Batcher:
    """Computes the rows of many callers together, one batch at a time. Lives on one event loop."""

    def __init__(
        self,
        compute: Compute,
        executor: Executor,
        *,
        max_batch: int = 128,
        max_waiting: int = 2048,
        inline_rows: int = 0,
        counted: RowsOfBatch = uncounted,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`compute` maps [N, ...] to [N, ...], row by row.

        Batches of at most `inline_rows` rows are computed on the event loop, because they cost less than a hop to the
        executor and back; larger ones run in the executor. `counted` is told the rows of each batch.
        """
        self._compute = compute
        self._executor = executor
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._inline_rows = inline_rows
        self._counted = counted
        self._clock = clock
        self._queue: deque[_Queued] = deque()
        self._waiting_rows = 0
        self._busy = False  # a batch runs, or is about to be gathered
        self._last_rows = 0  # of the last batch

    @property
    def waiting_rows(self) -> int:
        """Rows that are in no batch yet."""
        return self._waiting_rows

    async def submit(self, rows: Rows, deadline: float = float("inf")) -> BatchResult:
        """The answers to [n, ...] rows, in order. `deadline` is a time of the clock.

        Raises Overloaded at once, TooLate when the deadline passed before the first batch with these rows, and whatever
        `compute` raised for one of them. A caller that is cancelled leaves the queue.
        """
        if self._waiting_rows + len(rows) > self._max_waiting:
            raise Overloaded
        loop = asyncio.get_running_loop()
        waiting = _Queued(rows, deadline, loop.create_future())
        self._queue.append(waiting)
        self._waiting_rows += len(rows)
        if not self._busy:
            self._busy = True
            if self._last_rows == 1:
                loop.call_soon(self._next)  # whoever came alone likely does again
            else:
                self._gather_soon(loop)
        try:
            return await waiting.future
        finally:
            self._waiting_rows -= waiting.left  # of a caller that gave up or failed; 0 otherwise
            waiting.taken = len(waiting.rows)

    def _gather_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon(loop.call_soon, loop.call_soon, self._next)  # after this tick and two more

    def _next(self) -> None:
        batch = self._gather()
        if not batch:
            self._busy = False
            return
        loop = asyncio.get_running_loop()
        rows = _joined([part.rows for part in batch])
        self._last_rows = len(rows)
        self._counted(len(rows))
        if len(rows) <= self._inline_rows:
            outcome = _outcome(self._compute, rows)
            if not isinstance(outcome, NeedsThread):
                self._deliver(batch, outcome)
                self._gather_soon(loop)
                return
        running = loop.run_in_executor(self._executor, _outcome, self._compute, rows)
        running.add_done_callback(lambda done: self._finish(batch, done))

    def _finish(self, batch: list[_Share], done: asyncio.Future[BatchResult | Exception]) -> None:
        self._deliver(batch, RuntimeError("the executor is gone") if done.cancelled() else done.result())
        self._gather_soon(done.get_loop())

    def _gather(self) -> list[_Share]:
        """Takes up to `max_batch` rows off the queue.

        While several wait, none gets more than half a batch; what is left of it goes to the back of the queue, so that
        a request of hundreds of rows never keeps single ones waiting for longer than a batch.
        """
        share = self._max_batch if len(self._queue) == 1 else max(1, self._max_batch // 2)
        room, batch, now = self._max_batch, [], self._clock()
        for _ in range(len(self._queue)):
            if not room:
                break
            waiting = self._queue.popleft()
            if waiting.future.done():  # the client went away, or an earlier part failed
                continue
            if now > waiting.deadline and not waiting.taken:  # many rows of a large net take longer: they were in time
                waiting.future.set_exception(TooLate())
                continue
            count = min(waiting.left, room, share)
            batch.append(_Share(waiting, waiting.rows[waiting.taken : waiting.taken + count]))
            waiting.taken += count
            self._waiting_rows -= count
            room -= count
            if waiting.left:
                self._queue.append(waiting)
        return batch

    def _deliver(self, batch: list[_Share], outcome: BatchResult | Exception) -> None:
        start = 0
        for part in batch:
            waiting, end = part.queued, start + len(part.rows)
            if waiting.future.done():
                pass
            elif isinstance(outcome, Exception):
                waiting.future.set_exception(outcome)
            else:
                waiting.answers.append(outcome.rows[start:end])
                waiting.seconds += outcome.seconds
                if not waiting.left:
                    waiting.future.set_result(BatchResult(_joined(waiting.answers), waiting.seconds))
            start = end


def _joined(parts: list[Rows]) -> Rows:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _outcome(compute: Compute, rows: Rows) -> BatchResult | Exception:
    began = time.perf_counter()
    try:
        answers = compute(rows)
        assert len(answers) == len(rows), "a model answers every row"
        return BatchResult(answers, time.perf_counter() - began)
    except Exception as error:  # one of the three places that catch broadly: it fails the rows of this batch only
        return error
