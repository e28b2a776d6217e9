"""A job's events as server-sent events: replayed, then as they come, until the job has ended.

A stream asks the database for news: nothing else is shared by all API processes and workers.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from anyio import CapacityLimiter, move_on_after, to_thread
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.types import Receive, Scope, Send

from app.errors import DatabaseUnavailable, NotFound, NotReady
from app.jobs.job import ENDED, Job, JobEvent
from app.jobs.presenters import event_object, job_object
from app.jobs.store import JobStore
from app.web.access.visitor import Visitor, client_of
from app.web.drain import Drain

_PAGE = 100  # events that are read at once
_THREADS = 2  # for all streams together, so that a slow database holds up nobody else
_LAST_SECONDS = 30.0  # for the last bytes of one that has come to its end
_AGAIN_MS = 1000  # when a client whose stream broke shall come back
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
_NUMBER = re.compile(r"[0-9]{1,9}")


class Streams:
    """The streams of this process, at most `most` at once, and `most_of_client` to one client."""

    def __init__(
        self,
        store: JobStore,
        drain: Drain,
        *,
        counts: Callable[[Visitor], Awaitable[bool]] | None = None,
        most: int = 64,
        most_of_client: int = 16,
        poll_seconds: float = 0.5,
        beat_seconds: float = 10.0,
        life_seconds: float = 3600.0,
    ) -> None:
        """Each stream asks for news every `poll_seconds`, and sends something every `beat_seconds`.

        After `life_seconds` it ends without an `end`: its client comes back, or is not there any more. So it does when
        its visitor `counts` no longer, whose key was revoked or has expired.
        """
        self._store = store
        self._drain = drain
        self._counts = counts
        self._most, self._most_of_client = most, most_of_client
        self._poll_seconds = poll_seconds
        self._beat_seconds = beat_seconds
        self._life_seconds = life_seconds
        self._limiter = CapacityLimiter(_THREADS)
        self._of_clients: Counter[str] = Counter()  # those that are open now

    @property
    def open(self) -> int:
        """How many there are now."""
        return self._of_clients.total()

    def answer(self, job_id: str, last_event_id: str, visitor: Visitor) -> EventSourceResponse:
        """The events after the last one that the client has. It blocks. Raises NotFound, DatabaseUnavailable.

        Sending it raises NotReady (`too_many_streams`) where there are enough already.
        """
        job = self._store.get(job_id)
        (newest,), _ = self._store.events(job_id, 1, newest_first=True)
        wanted = int(last_event_id) if _NUMBER.fullmatch(last_event_id) else 0
        heard = min(wanted, newest.number)  # after a number that the job does not have yet, its end would be missed
        return _Stream(self._told(job, heard, visitor), self._place, self._life_seconds + _LAST_SECONDS)

    async def _told(self, job: Job, heard: int, visitor: Visitor) -> AsyncIterator[bytes]:
        yield format_sse_event(retry=_AGAIN_MS)
        said_at = began = time.monotonic()
        while not self._drain.begun and time.monotonic() - began < self._life_seconds:
            try:
                events, more, ended = await to_thread.run_sync(self._news, job, heard, limiter=self._limiter)
            except DatabaseUnavailable:  # when it is back, nothing was missed
                events, more, ended = (), False, None
            except NotFound:  # it has ended so long ago that it is forgotten
                return
            if self._counts is not None and not await self._counts(visitor):
                return
            for event in events:
                heard, said_at = event.number, time.monotonic()
                yield format_sse_event(data_str=event_object(event).model_dump_json(), id=str(event.number))
            if ended is not None:
                yield format_sse_event(data_str=job_object(ended).model_dump_json(), event="end")
                return
            if time.monotonic() - said_at >= self._beat_seconds:
                said_at = time.monotonic()
                yield format_sse_event(comment="still here")
            if not more:
                await asyncio.sleep(self._poll_seconds)

    def _news(self, job: Job, heard: int) -> tuple[Sequence[JobEvent], bool, Job | None]:
        """A page of events, whether there are more, and the job where there will never be more."""
        events, more = self._store.events(job.id, _PAGE, after=heard)
        over = job.state in ENDED or any(_is_last(event) for event in events)
        return events, more, self._store.get(job.id) if over and not more else None

    @contextmanager
    def _place(self, client: str) -> Iterator[None]:
        if self.open >= self._most:
            raise NotReady("too_many_streams", "Too many clients watch jobs here. Ask for the events page by page.")
        if self._of_clients[client] >= self._most_of_client:
            raise NotReady(
                "too_many_streams",
                f"{self._most_of_client} streams go to your address already. Close some, or ask for the events page by "
                "page.",
            )
        self._of_clients[client] += 1
        try:
            yield
        finally:
            self._of_clients[client] -= 1
            self._of_clients += Counter()  # forgets who has none


class _Stream(EventSourceResponse):
    """Holds a place for as long as it is sent; when the client leaves, starlette cancels the sending. So it is where a
    client takes nothing more of what is sent, in the end.
    """

    def __init__(
        self, content: AsyncIterator[bytes], place: Callable[[str], AbstractContextManager[None]], most_seconds: float
    ) -> None:
        super().__init__(content, headers=_HEADERS)
        self._place = place
        self._most_seconds = most_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place(client_of(scope)), move_on_after(self._most_seconds):
            await super().__call__(scope, receive, send)


def _is_last(event: JobEvent) -> bool:
    return event.type == "state" and event.data is not None and event.data.get("state") in ENDED
