"""/v1/feedback: corrections come, are looked at, and go."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.decoding.decoder import Decoder
from app.errors import NotFound, Unprocessable
from app.feedback import export
from app.feedback.form import receive
from app.feedback.givers import GIVER
from app.feedback.intake import Intake
from app.feedback.presenters import given, page, shown
from app.feedback.schemas import FeedbackDeleted, FeedbackGiven, FeedbackList, FeedbackObject, FeedbackSummary
from app.feedback.store import FeedbackStore, not_there
from app.feedback.tables import Correction, Settled
from app.storage.db import WAIT_SECONDS
from app.web.access.scopes import ADMIN, PICTURES
from app.web.access.visitor import client_of, visitor_of
from app.web.connection import while_connected
from app.web.openapi import raises
from app.web.openapi.codes import door, kept, pictures
from app.web.route import StrictRoute
from app.web.threads import ThreadLane
from models_store.datasets.rows import RowRejected, label_of
from models_store.refs import check_name

PREFIX = "/v1/feedback"
# threads at once, that wait for the database; predictions have others
_ASKING = 4
_PAGE = 100
_DECODING_SECONDS = 10.0  # in which a picture's turn must come

_BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
_FORM: dict[str, Any] = {
    "title": "FeedbackForm",
    "description": "A correction.",
    "type": "object",
    "required": ["file", "label"],
    "properties": {
        "file": {**_BINARY, "description": "the picture"},
        "label": {"type": "string", "description": "what the picture really shows", "examples": ["7"]},
        "model": {"type": "string", "description": "the ref that read it", "examples": ["digits", "digits@1"]},
        "read_as": {"type": "string", "description": "what it was read as", "examples": ["1"]},
    },
}
_BODY: dict[str, Any] = {
    "required": True,
    "description": "One PNG, JPEG, WEBP, BMP, GIF or TIFF picture: as the multipart field `file` beside the others, or "
    "as the whole body, with the others in the query.",
    "content": {"multipart/form-data": {"schema": _FORM}}
    | {kind: {"schema": _BINARY} for kind in ("image/png", "image/jpeg", "application/octet-stream")},
}
_GIVEN: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture is there already; `replaced` is its label of before", "model": FeedbackGiven}
}
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture as it is kept", "content": {"image/png": {"schema": _BINARY}}}
}
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"description": "A data set", "content": {"application/zip": {"schema": _BINARY}}}
}
_FILTERED = (kept.NAME, "label_missing", "label_invalid")
IdParam = Annotated[str, Path(description="a correction's id", examples=["fb-0a1b2c3d4e5f60718293a4b5"])]
ModelFilter = Annotated[str | None, Query(description="only of this model, by its name", examples=["digits"])]
GiverFilter = Annotated[
    str | None,
    Query(description="only of this giver, as the list names it", pattern=GIVER, examples=["key:0a1b2c3d"]),
]
LabelFilter = Annotated[str | None, Query(description="only with this label", examples=["7"])]


def router(
    store: FeedbackStore,
    intake: Intake,
    decoder: Decoder,
    default_model: str,
    job_after: int = 0,
    wait_seconds: float = WAIT_SECONDS,
) -> APIRouter:
    """The routes, answering from `store`. Nobody waits longer than `wait_seconds` for a turn.

    So many corrections as `job_after` of the default model start a job, as the summary says; 0: none ever do.
    """
    routes = APIRouter(route_class=StrictRoute, prefix=PREFIX, tags=["feedback"])
    lane = ThreadLane(_ASKING, wait_seconds)
    _add_giving(routes, intake, decoder, default_model, lane)
    _add_counting(routes, store, default_model, job_after, lane)
    _add_showing(routes, store, intake, lane)
    return routes


def _add_giving(routes: APIRouter, intake: Intake, decoder: Decoder, default_model: str, lane: ThreadLane) -> None:
    @routes.post(
        "", status_code=201, summary="Correct a reading", response_model_exclude_none=False,
        openapi_extra={"requestBody": _BODY},
        responses=_GIVEN | raises(
            kept.VERSION, kept.LABEL, kept.CORRECTIONS, kept.WRITING, door.FORM, door.TEXTS, door.ONE_FILE,
            pictures.PICTURE, pictures.QUEUE,
        ),
    )  # fmt: skip
    async def correct(
        request: Request,
        response: Response,
        label: Annotated[str, Query(description="where the body is no form", examples=["7"])] = "",
        model: Annotated[str, Query(description="where the body is no form", examples=["digits@1"])] = "",
        read_as: Annotated[str, Query(description="where the body is no form", examples=["1"])] = "",
    ) -> FeedbackGiven:
        """Keeps a picture and what it really shows, for its model to learn from.

        The picture is packed anew: upright, at most 1024 pixels a side, without EXIF, places, profiles or texts. The
        same picture again is kept once. With another label it is the last one that counts: the answer says which one it
        `replaced`. Once answered, the correction survives every crash.
        """
        picture, said = await receive(request, {"label": label, "model": model, "read_as": read_as})
        ref, right, wrong = (said.get(name, "") for name in ("model", "label", "read_as"))
        meant = await lane.ask(intake.said, ref or default_model, right, read_as=wrong or None)
        latest = time.monotonic() + _DECODING_SECONDS
        looking = decoder.keep(picture, meant.input, client_of(request.scope), latest)
        stripped, is_blank = await while_connected(request.scope, looking)
        checked, visitor = meant.with_picture(stripped, is_blank), visitor_of(request.scope)

        def kept() -> tuple[Settled, bool]:
            settled = intake.keep(checked, visitor)
            return settled, intake.is_theirs(settled.correction, visitor, PICTURES)

        settled, is_theirs = await lane.ask(kept)
        response.status_code = 201 if settled.is_new else 200
        response.headers["location"] = f"{PREFIX}/{settled.correction.id}"
        return given(settled, is_theirs=is_theirs)


def _add_counting(
    routes: APIRouter, store: FeedbackStore, default_model: str, job_after: int, lane: ThreadLane
) -> None:
    @routes.get("/summary", summary="Count the corrections", responses=raises(kept.NAME))
    async def count_corrections(
        model: Annotated[str, Query(description="a model, by its name", examples=["digits"])] = default_model,
    ) -> FeedbackSummary:
        """How many there are of a model, of each label, from how many no job has learned, and how many are held."""
        name = check_name(model)
        counts, waiting, held = await lane.ask(lambda: (store.per_label(name), store.waiting(name), store.held(name)))
        starts = job_after if job_after and model == default_model else None
        total = sum(counts.values())
        return FeedbackSummary(model=model, total=total, per_label=counts, waiting=waiting, held=held, job_after=starts)

    @routes.get(
        "/export", summary="Download the corrections", response_class=StreamingResponse,
        responses=_ZIP | raises(*_FILTERED, kept.CORRECTION),
    )  # fmt: skip
    async def export_corrections(
        model: ModelFilter = None,
        label: LabelFilter = None,
        held: Annotated[bool, Query(description="those that are held back, in place of the others")] = False,
    ) -> StreamingResponse:
        """A zip with a folder per label, which `POST /v1/files` and `python -m training finetune --data` read. What is
        held back is not in it, unless you ask for that alone.

        Where a label can't be a folder's name, the pictures lie together and a `labels.csv` says what they show.
        """
        which = await lane.ask(store.chosen, *_filters(model, label), held=held)
        if not which:
            raise NotFound("feedback_not_found", "There are no such corrections. See their summary.")
        headers = {"content-disposition": 'attachment; filename="feedback.zip"'}
        return StreamingResponse(export.stream(which, store.read), headers=headers, media_type="application/zip")


def _add_showing(routes: APIRouter, store: FeedbackStore, intake: Intake, lane: ThreadLane) -> None:
    def theirs(name: str, request: Request, scope: str) -> Correction:
        found = store.get(name)
        if not intake.is_theirs(found, visitor_of(request.scope), scope):
            raise not_there()
        return found

    @routes.get(
        "", summary="List the corrections", response_model=FeedbackList, responses=raises(*_FILTERED, kept.CORRECTION)
    )  # fmt: skip
    async def list_corrections(
        after: Annotated[str | None, Query(description="the last id of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=_PAGE, description="how many on a page")] = 20,
        label: LabelFilter = None,
        model: ModelFilter = None,
        giver: GiverFilter = None,
        held: Annotated[bool | None, Query(description="only those that are held back, or only others")] = None,
    ) -> Response:
        """The newest first, a page at a time, each with a small picture of it."""
        which = _filters(model, label)

        def answer() -> str:
            found, more = store.list(limit, after, *which, giver, held=held)
            return page(found, store.thumbnails(found), more).model_dump_json()

        return Response(await lane.ask(answer), media_type="application/json")  # written in the thread: it is long

    @routes.get("/{feedback_id}", summary="Show one correction", responses=raises(kept.CORRECTION))
    async def get_correction(request: Request, feedback_id: IdParam) -> FeedbackObject:
        """What is known of it; with a key that may not see people's pictures, only of what you have given yourself."""
        return shown(await lane.ask(theirs, feedback_id, request, PICTURES))

    @routes.get(
        "/{feedback_id}/picture", summary="Show a correction's picture", response_class=Response,
        responses=_PICTURE | raises(kept.CORRECTION),
    )  # fmt: skip
    async def get_correction_picture(feedback_id: IdParam) -> Response:
        """The picture as it is kept: a PNG with nothing but pixels in it."""
        headers = {
            "content-security-policy": "default-src 'none'; sandbox",
            "content-disposition": f'inline; filename="{feedback_id}.png"',
            "cache-control": "private, no-store",  # when it is deleted it shall be gone
        }
        return Response(await lane.ask(store.picture, feedback_id), headers=headers, media_type="image/png")

    @routes.delete(
        "/{feedback_id}", summary="Delete a correction", responses=raises(kept.CORRECTION, kept.WRITING)
    )  # fmt: skip
    async def delete_correction(request: Request, feedback_id: IdParam) -> FeedbackDeleted:
        """Removes the picture and everything known of it. What a version has learned from it stays learned: which have,
        `GET /v1/feedback/{id}/versions` still says.

        A job that runs has a copy in its folder until it ends; later jobs, and later attempts at that one, have none.
        What others have given takes a key that may do everything.
        """

        def deleted() -> None:
            theirs(feedback_id, request, ADMIN)
            store.delete(feedback_id)

        await lane.ask(deleted)
        return FeedbackDeleted(id=feedback_id)


def _filters(model: str | None, label: str | None) -> tuple[str | None, str | None]:
    """Raises BadRef, Unprocessable: texts that nothing can be called never reach the database."""
    try:
        return None if model is None else check_name(model), None if label is None else label_of(label)
    except RowRejected as refusal:
        raise Unprocessable(refusal.code, str(refusal), "label") from None
