"""/v1/fine_tuning/jobs: jobs are made, watched and stopped, in OpenAI's shapes."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.sse import EventSourceResponse

from app.errors import NotFound, PayloadTooLarge, Unprocessable
from app.files.inspection import Inspections
from app.jobs.bounds.effort import Effort
from app.jobs.builder import JobBuilder, JobDraft, Report, UnreadFile
from app.jobs.job import FEEDBACK, Job
from app.jobs.presenters import checkpoints, event_object, job_object, number_in
from app.jobs.request import MAX_KEY, MAX_PAIRS, MAX_VALUE, JobRequest
from app.jobs.schemas import EVENT_STREAM, CheckpointList, EventList, JobList, JobObject
from app.jobs.store import JobStore, new_id
from app.jobs.stream import Streams
from app.storage.db import WAIT_SECONDS
from app.web.access.scopes import ADMIN, lacking
from app.web.access.visitor import Visitor, client_of, visitor_of
from app.web.connection import while_connected
from app.web.openapi import raises
from app.web.openapi.codes import data_sets, door, kept, pictures
from app.web.openapi.codes import jobs as codes
from app.web.request import filled, from_json
from app.web.route import ANY_KEY, StrictRoute
from app.web.threads import ThreadLane
from models_store.specs import InputSpec

PREFIX = "/v1/fine_tuning/jobs"
_THREADS = 8  # that wait for the database at once; predictions have others
_JOB = re.compile(r"ftjob-[0-9a-f]{24}")
_KEY = re.compile(r"[!-~]{1,255}")
_FILTER = re.compile(r"metadata\[(.*)\]", re.DOTALL)
_ALL_EVENTS = 1_000_000
_MOST_BYTES = 64 * 1024  # of a request; with 16 pairs of the longest metadata it has 10

_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": JobRequest.model_json_schema(),
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
_MOVED = raises(codes.JOB, codes.MOVING, kept.WRITING)
JobParam = Annotated[str, Path(description="a job's id", examples=["ftjob-5f2a9c0d1e7b4a68f2a9c0d1"])]
AfterParam = Annotated[str | None, Query(description="the last id of the page before")]
LimitParam = Annotated[int, Query(ge=1, le=100, description="how many on a page")]
FilterParam = Annotated[None, Query(alias=f"metadata{ANY_KEY}", include_in_schema=False)]
KeyHeader = Annotated[
    str | None,
    Header(alias="Idempotency-Key", description="any text of your own: the same request again gives the same job"),
]
LastHeader = Annotated[str, Header(alias="Last-Event-ID", description="the `id` of the last event that you have")]


def router(
    store: JobStore,
    builder: JobBuilder,
    streams: Streams,
    inspections: Inspections,
    effort: Effort,
    wait_seconds: float = WAIT_SECONDS,
) -> APIRouter:
    """The routes, answering from `store`. Nobody waits longer than `wait_seconds` for a turn at it.

    A data set that has to be read again is read by `inspections`, which takes no turn from anybody else. `effort` says
    which job would take too long.
    """
    routes = APIRouter(route_class=StrictRoute, prefix=PREFIX, tags=["fine-tuning"])
    lane = ThreadLane(_THREADS, wait_seconds)
    _add_creating(routes, store, builder, effort, inspections, lane)
    _add_showing(routes, store, lane)
    _add_moving(routes, store, lane)
    _add_watching(routes, store, streams, lane)
    return routes


def _add_creating(
    routes: APIRouter, store: JobStore, builder: JobBuilder, effort: Effort, inspections: Inspections, lane: ThreadLane
) -> None:
    def begun(body: bytes, key: str | None, visitor: Visitor) -> tuple[Job | JobDraft, str]:
        """The job that came with the key before, otherwise a draft; and the digest of the request."""
        document = from_json(body)
        wanted = filled(JobRequest, document)
        serves = wanted.supervised.promote != "never"  # it decides which version does
        unseen = wanted.training_file == FEEDBACK and not wanted.supervised.inspect  # what strangers gave, for one
        if (serves or unseen) and not visitor.may(ADMIN):
            raise lacking(ADMIN)
        digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
        known = None if key is None else store.known(key, digest)  # before anything that may have changed since
        return known or builder.draft(wanted, new_id()), digest

    def added(
        draft: JobDraft, read: Mapping[UnreadFile, Report], key: str | None, digest: str, client: str
    ) -> tuple[Job, str | None]:
        spec = builder.build(draft, read)
        warning = effort.check(spec.pictures)
        return store.add(spec, key, digest, draft.id, client=client, warning=warning), warning

    async def report_on(path: FilePath, spec: InputSpec) -> Report:
        return await inspections.report(path, lambda: spec)

    @routes.post(
        "", status_code=201, summary="Start a job", openapi_extra={"requestBody": _BODY},
        responses=raises(
            door.JSON, codes.MAKING, kept.VERSION, kept.LABEL, kept.FILE, kept.WRITING, data_sets.ARCHIVE,
            data_sets.DATA_SET, pictures.QUEUE,
        ),
    )  # fmt: skip
    async def create_job(request: Request, response: Response, key: KeyHeader = None) -> JobObject:
        """Queues a fine-tune of a version with an uploaded file, or with all corrections of its model (`feedback`).
        What can be wrong with it is found here, not later.

        The file's labels are the version's, and then the result is its model's next version; with a `suffix` it becomes
        a model of its own, NAME-SUFFIX, with the file's labels. The gate decides whether the result is good enough to
        serve. Once answered, the job survives every crash. A `promote` other than `never` needs a key that allows
        `admin`.
        """
        if key is not None and not _KEY.fullmatch(key):
            raise Unprocessable("bad_idempotency_key", "An Idempotency-Key has 1 to 255 visible characters of ASCII.")
        body = await request.body()
        if len(body) > _MOST_BYTES:
            raise PayloadTooLarge("payload_too_large", f"A job has at most {_MOST_BYTES // 1024} KiB. Send less.")
        known, digest = await lane.ask(begun, body, key, visitor_of(request.scope))
        if isinstance(known, JobDraft):
            read = {what: await while_connected(request.scope, report_on(*what)) for what in known.unread}
            job, warning = await lane.ask(added, known, read, key, digest, client_of(request.scope))
        else:
            job, warning = known, None
        response.headers["location"] = f"{PREFIX}/{job.id}"
        return job_object(job, warnings=[warning] if warning else [])


def _add_showing(routes: APIRouter, store: JobStore, lane: ThreadLane) -> None:
    @routes.get("", summary="List the jobs", responses=raises(codes.JOB, codes.FILTER))
    async def list_jobs(
        request: Request, after: AfterParam = None, limit: LimitParam = 20, _: FilterParam = None
    ) -> JobList:
        """The newest first, a page at a time; `metadata[key]=value` shows only the jobs that carry that."""
        labelled = _labelled(request.query_params)
        found, more = await lane.ask(store.list, limit, None if after is None else _known_id(after), labelled)
        return JobList(data=[job_object(job) for job in found], has_more=more)

    @routes.get("/{job_id}", summary="Show one job", responses=raises(codes.JOB))
    async def get_job(job_id: JobParam) -> JobObject:
        """Where the job is, what it will do, and what came of it."""
        return job_object(await lane.ask(store.get, _known_id(job_id)))


def _add_moving(routes: APIRouter, store: JobStore, lane: ThreadLane) -> None:
    @routes.post("/{job_id}/cancel", summary="Cancel a job", responses=_MOVED)
    async def cancel_job(job_id: JobParam) -> JobObject:
        """Ends a job for good: at once while it waits, within two seconds while it runs. 409 once it has ended."""
        return job_object(await lane.ask(store.cancel, _known_id(job_id)))

    @routes.post("/{job_id}/pause", summary="Pause a job", responses=_MOVED)
    async def pause_job(job_id: JobParam) -> JobObject:
        """Lets a job rest. One that runs goes on from its last whole epoch when it is resumed."""
        return job_object(await lane.ask(store.pause, _known_id(job_id)))

    @routes.post("/{job_id}/resume", summary="Resume a job", responses=_MOVED)
    async def resume_job(job_id: JobParam) -> JobObject:
        """Queues a paused job again."""
        return job_object(await lane.ask(store.resume, _known_id(job_id)))


def _add_watching(routes: APIRouter, store: JobStore, streams: Streams, lane: ThreadLane) -> None:
    @routes.get(
        "/{job_id}/events", summary="Show a job's events", response_model=EventList,
        responses=EVENT_STREAM | raises(codes.JOB, codes.PAGE, codes.STREAM),
    )  # fmt: skip
    async def list_job_events(
        request: Request, job_id: JobParam, after: AfterParam = None, limit: LimitParam = 20, heard: LastHeader = ""
    ) -> EventList | EventSourceResponse:
        """A page, the newest first; or, with `Accept: text/event-stream`, a stream, the oldest first.

        The stream begins after `Last-Event-ID`, stays open, and ends with an event `end`, whose data is the job, when
        the job has ended. Where it ends without one, come back.
        """
        _known_id(job_id)
        if _wants_stream(request.headers.get("accept", "")):
            return await lane.ask(streams.answer, job_id, heard, visitor_of(request.scope))
        before = None if after is None else _number(after, "ftevent", job_id)
        found, more = await lane.ask(store.events, job_id, limit, before=before, newest_first=True)
        return EventList(data=[event_object(event) for event in found], has_more=more)

    @routes.get("/{job_id}/checkpoints", summary="Show a job's epochs", responses=raises(codes.JOB, codes.PAGE))
    async def list_job_checkpoints(
        job_id: JobParam, after: AfterParam = None, limit: LimitParam = 10
    ) -> CheckpointList:
        """The numbers after each epoch, the newest first."""
        _known_id(job_id)
        before = None if after is None else _number(after, "ftckpt", job_id)

        def page() -> CheckpointList:
            job = store.get(job_id)
            return checkpoints(job, store.events(job_id, _ALL_EVENTS)[0], limit, before)

        return await lane.ask(page)


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
    given = {name: value for name, value in query.items() if name.startswith("metadata")}
    labelled = {found[1]: value for name, value in given.items() if (found := _FILTER.fullmatch(name))}
    if len(labelled) < len(given) or any("\x00" in text for pair in labelled.items() for text in pair):
        raise Unprocessable("bad_filter", "Ask for jobs by their metadata as metadata[key]=value.", "metadata")
    if len(labelled) > MAX_PAIRS or any(len(k) > MAX_KEY or len(v) > MAX_VALUE for k, v in labelled.items()):
        raise Unprocessable(
            "bad_filter",
            f"Ask by at most {MAX_PAIRS} keys of up to {MAX_KEY} characters, and values of up to {MAX_VALUE}.",
            "metadata",
        )
    return labelled


def _wants_stream(accept: str) -> bool:
    return any(kind.partition(";")[0].strip().lower() == "text/event-stream" for kind in accept.split(","))
