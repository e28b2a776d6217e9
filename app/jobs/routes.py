"""/v1/fine_tuning/jobs: jobs are ordered, watched and stopped, in OpenAI's shapes. It knows no recipe, no worker."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path as FilePath
from typing import Annotated, Any, TypeVar

from anyio import CapacityLimiter, fail_after, to_thread
from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.sse import EventSourceResponse
from pydantic import ValidationError

from app.errors import DatabaseUnavailable, NotFound, Unprocessable
from app.files.inspection import Inspections
from app.jobs.builder import DataSet, JobBuilder, Unread
from app.jobs.job import Job
from app.jobs.presenters import (
    CheckpointList,
    EventList,
    JobList,
    JobObject,
    checkpoints,
    event_object,
    job_object,
    number_in,
)
from app.jobs.request import JobRequest, schema
from app.jobs.store import JobStore, new_id
from app.jobs.stream import Streams
from app.storage.db import WAIT_SECONDS
from app.web.connection import while_connected
from app.web.problems import EXAMPLE_RESPONSE
from app.web.request import from_json
from models_store.specs import InputSpec

T = TypeVar("T")

PREFIX = "/v1/fine_tuning/jobs"
_THREADS = 8  # that wait for the database at once; predictions have others
_JOB = re.compile(r"ftjob-[0-9a-f]{24}")
_KEY = re.compile(r"[!-~]{1,255}")
_FILTER = re.compile(r"metadata\[(.*)\]", re.DOTALL)
_ALL_EVENTS = 1_000_000

_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": schema(),
            "examples": {
                "corrections": {"value": {"model": "digits", "training_file": "feedback"}},
                "pictures": {"value": {"model": "digits", "training_file": "file-0a1b2c3d4e5f60718293a4b5"}},
                "letters": {
                    "value": {
                        "model": "digits",
                        "training_file": "file-0a1b2c3d4e5f60718293a4b5",
                        "suffix": "letters",
                        "method": {"type": "supervised", "supervised": {"unfreeze": "all", "promote": "if_better"}},
                    }
                },
            },
        }
    },
}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page of events, or with `Accept: text/event-stream` all of them, as they come",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": 'data: {"object": "fine_tuning.job.event", …}\nid: 7\n\n'
                'event: end\ndata: {"object": "fine_tuning.job", …}\n\n',
            }
        },
    }
}
JobParam = Annotated[str, Path(description="a job's id", examples=["ftjob-5f2a9c0d1e7b4a68f2a9c0d1"])]
AfterParam = Annotated[str | None, Query(description="the last id of the page before")]
LimitParam = Annotated[int, Query(ge=1, le=100)]
KeyHeader = Annotated[
    str | None,
    Header(alias="Idempotency-Key", description="any text of your own: the same request again gives the same job"),
]
LastHeader = Annotated[str, Header(alias="Last-Event-ID", description="the `id` of the last event that you have")]


def router(
    store: JobStore,
    orders: JobBuilder,
    streams: Streams,
    wait_seconds: float = WAIT_SECONDS,
    readings: Inspections | None = None,
) -> APIRouter:
    """The routes, answering from `store`. Nobody waits longer than `wait_seconds` for a turn at it.

    A data set that an order needs read again is read in `readings`, which takes no turn from anybody else.
    """
    reading = readings or Inspections()
    routes = APIRouter(prefix=PREFIX, tags=["fine-tuning"], responses={"default": EXAMPLE_RESPONSE})
    limiter = CapacityLimiter(_THREADS)

    async def ask(question: Callable[..., T], *details: Any) -> T:
        try:
            with fail_after(wait_seconds):  # for a thread: what one has begun is waited for
                return await to_thread.run_sync(partial(question, *details), limiter=limiter)
        except TimeoutError:
            raise DatabaseUnavailable(
                "database_unavailable", "The database is too slow. Repeat the request in a few seconds."
            ) from None

    def add(body: bytes, key: str | None, read: Mapping[DataSet, Mapping[str, int]]) -> Job:
        document = from_json(body)
        request = _request(document)
        digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
        known = None if key is None else store.known(key, digest)  # before anything that may have changed since
        if known is not None:
            return known
        job_id = new_id()
        return store.add(orders.order(request, job_id, read), key, digest, job_id)

    async def per_label(path: FilePath, spec: InputSpec) -> Mapping[str, int]:
        report = await reading.report(path, lambda: spec)
        return {str(label): int(count) for label, count in report["per_label"].items()}

    async def added(request: Request, key: str | None) -> Job:
        body, read = await request.body(), dict[DataSet, Mapping[str, int]]()
        while True:  # at most twice more, for a file to learn from and one to judge by
            try:
                return await ask(add, body, key, read)
            except Unread as unread:
                read[unread.what] = await while_connected(request, per_label(*unread.what))

    @routes.post("", status_code=201, summary="Start a job", openapi_extra={"requestBody": _BODY})
    async def create(request: Request, response: Response, key: KeyHeader = None) -> JobObject:
        """Queues a fine-tune of a version with an uploaded file, or with all corrections of its model (`feedback`).
        What can be wrong with it is found here, not later.

        The file's labels are the version's, and then the result is its model's next version; with a `suffix` it becomes
        a model of its own, NAME-SUFFIX, with the file's labels. The gate decides whether the result is good enough to
        serve. Once answered, the job survives every crash.
        """
        if key is not None and not _KEY.fullmatch(key):
            raise Unprocessable("bad_idempotency_key", "An Idempotency-Key has 1 to 255 visible characters of ASCII.")
        job = await added(request, key)
        response.headers["location"] = f"{PREFIX}/{job.id}"
        return job_object(job)

    @routes.get("", summary="List the jobs")
    async def jobs(request: Request, after: AfterParam = None, limit: LimitParam = 20) -> JobList:
        """The newest first, a page at a time; `metadata[key]=value` shows only the jobs that carry that."""
        labelled = _labelled(request.query_params)
        found, more = await ask(store.list, limit, None if after is None else _known_id(after), labelled)
        return JobList(data=[job_object(job) for job in found], has_more=more)

    @routes.get("/{job_id}", summary="Show one job")
    async def job(job_id: JobParam) -> JobObject:
        """Where the job is, what it will do, and what came of it."""
        return job_object(await ask(store.get, _known_id(job_id)))

    @routes.post("/{job_id}/cancel", summary="Cancel a job")
    async def cancel(job_id: JobParam) -> JobObject:
        """Ends a job for good: at once while it waits, within two seconds while it runs. 409 once it has ended."""
        return job_object(await ask(store.cancel, _known_id(job_id)))

    @routes.post("/{job_id}/pause", summary="Pause a job")
    async def pause(job_id: JobParam) -> JobObject:
        """Lets a job rest. One that runs goes on from its last whole epoch when it is resumed."""
        return job_object(await ask(store.pause, _known_id(job_id)))

    @routes.post("/{job_id}/resume", summary="Resume a job")
    async def resume(job_id: JobParam) -> JobObject:
        """Queues a paused job again."""
        return job_object(await ask(store.resume, _known_id(job_id)))

    @routes.get("/{job_id}/events", summary="Show a job's events", response_model=EventList, responses=_STREAM)
    async def events(
        request: Request, job_id: JobParam, after: AfterParam = None, limit: LimitParam = 20, heard: LastHeader = ""
    ) -> EventList | EventSourceResponse:
        """A page, the newest first; or, with `Accept: text/event-stream`, a stream, the oldest first.

        The stream begins after `Last-Event-ID`, stays open, and ends with an event `end`, whose data is the job, when
        the job has ended. Where it ends without one, come back.
        """
        _known_id(job_id)
        if _wants_stream(request.headers.get("accept", "")):
            return await ask(streams.answer, job_id, heard)
        before = None if after is None else _number(after, "ftevent", job_id)
        found, more = await ask(partial(store.events, job_id, limit, before=before, newest_first=True))
        return EventList(data=[event_object(event) for event in found], has_more=more)

    @routes.get("/{job_id}/checkpoints", summary="Show a job's epochs")
    async def epochs(job_id: JobParam, after: AfterParam = None, limit: LimitParam = 10) -> CheckpointList:
        """The numbers after each epoch, the newest first."""
        _known_id(job_id)
        before = None if after is None else _number(after, "ftckpt", job_id)

        def page() -> CheckpointList:
            job = store.get(job_id)
            return checkpoints(job, store.events(job_id, _ALL_EVENTS)[0], limit, before)

        return await ask(page)

    return routes


def _request(document: object) -> JobRequest:
    # Not a parameter of the route, as in app.catalog: FastAPI would answer 400 where a body is too large or no JSON.
    try:
        return JobRequest.model_validate(document)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def _known_id(job_id: str) -> str:
    # no other text can be one's name, and PostgreSQL refuses some: a NUL
    if not _JOB.fullmatch(job_id):
        raise NotFound("job_not_found", "There is no job of this id. See the list of jobs.")
    return job_id


def _number(name: str, kind: str, job_id: str) -> int:
    number = number_in(name, kind, job_id)
    if number is None:
        raise NotFound("id_not_found", "This job has nothing of the id in after. Begin without it.", "after")
    return number


def _labelled(query: Mapping[str, str]) -> dict[str, str]:
    labelled = {found[1]: value for name, value in query.items() if (found := _FILTER.fullmatch(name))}
    if "metadata" in query or any("\x00" in text for pair in labelled.items() for text in pair):
        raise Unprocessable("bad_filter", "Ask for jobs by their metadata as metadata[key]=value.", "metadata")
    return labelled


def _wants_stream(accept: str) -> bool:
    return any(kind.partition(";")[0].strip().lower() == "text/event-stream" for kind in accept.split(","))
