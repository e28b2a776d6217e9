"""/v1/feedback/held and what else a person needs who decides about corrections: many at once, and who learned them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from app.errors import Unprocessable
from app.feedback.givers import GIVER
from app.feedback.held import Chosen, HeldBack
from app.feedback.intake import Intake
from app.feedback.lineage import Lineage, Traced
from app.feedback.presenters import sheet, traced
from app.feedback.routes import PREFIX, IdParam, ModelFilter
from app.feedback.schemas import (
    FeedbackRemoved,
    FeedbackVersions,
    HeldChoice,
    HeldList,
    HeldReleased,
)
from app.feedback.store import FeedbackStore, not_there
from app.storage.db import WAIT_SECONDS
from app.web.access.scopes import PICTURES
from app.web.access.visitor import visitor_of
from app.web.openapi import raises
from app.web.openapi.codes import door, kept
from app.web.request import filled, from_json
from app.web.route import StrictRoute
from app.web.threads import ThreadLane
from models_store.refs import check_name

_ASKING = 2  # threads at once: a person looks, and corrections go on coming
_GROUPS, _PICTURES = 50, 100  # of one answer
_LATEST = 4_102_444_800  # the year 2100: no label was given later

_BODY: dict[str, Any] = {
    "required": True,
    "content": {"application/json": {"schema": HeldChoice.model_json_schema()}},
}
_CHOSEN = raises(door.JSON, kept.WRITING, "filter_missing")


def router(
    store: FeedbackStore, held_back: HeldBack, lineage: Lineage, intake: Intake, wait_seconds: float = WAIT_SECONDS
) -> APIRouter:
    """The routes. Nobody waits longer than `wait_seconds` for a turn. They are included before those of single
    corrections: `held` is no id."""
    routes = APIRouter(route_class=StrictRoute, prefix=PREFIX, tags=["feedback"])
    lane = ThreadLane(_ASKING, wait_seconds)
    _add_sheet(routes, store, held_back, lane)
    _add_many(routes, store, lane)
    _add_lineage(routes, store, lineage, intake, lane)
    return routes


def _add_sheet(routes: APIRouter, store: FeedbackStore, held_back: HeldBack, lane: ThreadLane) -> None:
    @routes.get(
        "/held", summary="Show what is held back", response_model=HeldList, responses=raises(kept.NAME)
    )  # fmt: skip
    async def list_held(
        limit: Annotated[int, Query(ge=1, le=_GROUPS, description="how many on a page")] = 10,
        after: Annotated[str | None, Query(max_length=40, description="the last id of the page before")] = None,
        model: ModelFilter = None,
        pictures: Annotated[int, Query(ge=0, le=_PICTURES, description="of each group")] = 24,
    ) -> Response:
        """Corrections that no job learns until a person has looked at them, in groups: of one giver, held back by one
        job for one reason."""
        name = None if model is None else check_name(model)

        def answer() -> str:
            found, more, as_of = held_back.groups(limit, after, name, pictures)
            pairs = [(group, store.thumbnails(group.pictures)) for group in found]
            return sheet(pairs, more, as_of).model_dump_json()

        return Response(await lane.ask(answer), media_type="application/json")  # written in the thread: it is long

    @routes.post(
        "/held/release", summary="Let them be learned", openapi_extra={"requestBody": _BODY}, responses=_CHOSEN
    )
    async def release_held(request: Request) -> HeldReleased:
        """They are right: the next job learns them, and no training holds them back again. Should a job that learned
        them be rejected, they are."""
        return HeldReleased(released=await lane.ask(held_back.release, _chosen(await request.body())))

    @routes.post("/held/remove", summary="Remove them", openapi_extra={"requestBody": _BODY}, responses=_CHOSEN)
    async def remove_held(request: Request) -> FeedbackRemoved:
        """Deletes the pictures and everything known of them."""
        return FeedbackRemoved(removed=await lane.ask(held_back.remove, _chosen(await request.body())))


def _add_many(routes: APIRouter, store: FeedbackStore, lane: ThreadLane) -> None:
    @routes.delete("", summary="Delete many corrections", responses=raises(kept.WRITING, kept.NAME, "filter_missing"))
    async def delete_corrections(
        giver: Annotated[
            str | None,
            Query(description="of this giver, as the list names it", pattern=GIVER, examples=["key:0a1b2c3d"]),
        ] = None,
        since: Annotated[int | None, Query(ge=0, le=_LATEST, description="whose label was given then or later")] = None,
        until: Annotated[int | None, Query(ge=0, le=_LATEST, description="then or earlier; Unix time")] = None,
        model: ModelFilter = None,
    ) -> FeedbackRemoved:
        """Deletes all of a giver, of a time, of a model, or what is all of these; pictures too, held back or not."""
        if giver is None and since is None and until is None and model is None:
            raise Unprocessable(
                "filter_missing", "This would delete all corrections. Send giver, since, until or model to say which."
            )
        name = None if model is None else check_name(model)
        end = (_LATEST if until is None else until) + 1  # times are shown in whole seconds: the last one counts whole
        return FeedbackRemoved(removed=await lane.ask(store.delete_all, name, giver, since or 0, end))


def _add_lineage(routes: APIRouter, store: FeedbackStore, lineage: Lineage, intake: Intake, lane: ThreadLane) -> None:
    @routes.get("/{feedback_id}/versions", summary="Show which versions learned it", responses=raises(kept.CORRECTION))
    async def list_correction_versions(request: Request, feedback_id: IdParam) -> FeedbackVersions:
        """Those that jobs made of it and those that descend from them, also where the correction is deleted; and from
        which version a job can begin that makes one without it."""

        def found() -> Traced:
            traces = lineage.of(feedback_id)
            if not traces.is_deleted and not intake.is_theirs(
                store.get(feedback_id), visitor_of(request.scope), PICTURES
            ):
                raise not_there()
            return traces

        return traced(await lane.ask(found))


def _chosen(body: bytes) -> Chosen:
    """Raises BadRequest, RequestValidationError, Unprocessable (`filter_missing`)."""
    said = filled(HeldChoice, from_json(body))
    names = said.model_fields_set - {"group", "ids", "as_of"}
    if not names and said.group is None and said.ids is None:
        raise Unprocessable("filter_missing", "Say which are meant: send group, ids, job, giver, reason or model.")
    as_of = None if said.as_of is None else float(said.as_of)
    return Chosen(said.group, said.ids, {name: getattr(said, name) for name in names}, as_of)
