"""/v1/review: uncertain pictures are shown, answered and dismissed."""

from contextlib import suppress
from itertools import islice
from typing import Annotated, Any, Protocol

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request, Response

from app.errors import NotFound, Unprocessable
from app.review.presenters import shown
from app.review.schemas import ReviewAnswer, ReviewDeleted, Reviewed, ReviewList
from app.review.store import ReviewStore, Waiting
from app.web.access.visitor import Visitor, visitor_of
from app.web.openapi import raises
from app.web.openapi.codes import door, kept, pictures
from app.web.request import filled, from_json
from app.web.route import StrictRoute

_SHOWN_LABELS = 20  # in a sentence

IdParam = Annotated[str, Path(description="a picture's id", examples=["rv-0a1b2c3d4e5f60718293a4b5"])]
ModelParam = Annotated[
    str | None, Query(description="only what this model read, or this version of it", examples=["digits", "digits@7"])
]


class Correct(Protocol):
    """Stores a correction: `label` is what is on `picture`, as the visitor says, whatever `read_by` took it for."""

    def __call__(
        self, model: str, label: str, picture: bytes, *, read_by: str | None, read_as: str | None, visitor: Visitor
    ) -> object: ...


_BODY: dict[str, Any] = {
    "required": True,
    "content": {"application/json": {"schema": ReviewAnswer.model_json_schema()}},
}
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "A PNG", "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
}


def router(store: ReviewStore, correct: Correct, keeping: bool) -> APIRouter:
    """The routes, answering from `store`; `correct` is called in a thread, and what it raises is answered.

    Where nothing is kept the queue is empty, whatever an earlier start has left.
    """
    routes = APIRouter(route_class=StrictRoute, prefix="/v1/review", tags=["review"])

    @routes.get("", summary="List what is worth a look", responses=raises(kept.NAME))
    def list_review(
        limit: Annotated[int, Query(ge=1, le=100, description="how many on a page")] = 20, model: ModelParam = None
    ) -> ReviewList:
        """Pictures that a version was uncertain of, in the order in which a person's answers teach most.

        The least certain one is first; then those that differ from all before them, as far as they are uncertain.
        """
        found, more = store.queue(limit, model) if keeping else ([], False)
        first, last = (found[0].id, found[-1].id) if found else (None, None)
        pictures = [shown(*pair) for pair in zip(found, store.thumbnails(found), strict=True)]
        return ReviewList(data=pictures, first_id=first, last_id=last, has_more=more, keeping=keeping)

    @routes.get(
        "/{picture_id}/picture", summary="Show the picture", response_class=Response,
        responses=_PICTURE | raises(kept.WAITING),
    )  # fmt: skip
    def get_review_picture(picture_id: IdParam) -> Response:
        """The picture upright, at most 1,024 pixels a side, without anything that a camera wrote beside it."""
        headers = {"cache-control": "no-store"}
        return Response(store.picture(picture_id), media_type="image/png", headers=headers)

    @routes.post(
        "/{picture_id}", summary="Say what it is", openapi_extra={"requestBody": _BODY},
        responses=raises(
            door.JSON, kept.WAITING, kept.VERSION, kept.LABEL, kept.CORRECTIONS, kept.WRITING, pictures.PICTURE
        ),
    )  # fmt: skip
    async def answer_review(request: Request, picture_id: IdParam) -> Reviewed:
        """Makes the picture a correction with the label that you give, and takes it out of the queue."""
        label = filled(ReviewAnswer, from_json(await request.body())).label

        def answered() -> Reviewed:
            known = store.get(picture_id)
            if label not in known.probabilities:
                raise _unknown(known)
            name = known.model.partition("@")[0]
            said: dict[str, Any] = {"read_by": known.model, "read_as": known.label}
            correct(name, label, store.picture(picture_id), **said, visitor=visitor_of(request.scope))
            with suppress(NotFound):  # dismissed meanwhile: the correction counts
                store.delete(picture_id)
            return Reviewed(id=picture_id, model=known.model, read_as=known.label, label=label)

        return await run_sync(answered)

    @routes.delete("/{picture_id}", summary="Dismiss a picture", responses=raises(kept.WAITING, kept.WRITING))
    def dismiss_review(picture_id: IdParam) -> ReviewDeleted:
        """Deletes the picture and everything known of it."""
        store.delete(picture_id)
        return ReviewDeleted(id=picture_id)

    return routes


def _unknown(picture: Waiting) -> Unprocessable:
    some = ", ".join(islice(picture.probabilities, _SHOWN_LABELS))
    return Unprocessable("label_unknown", f"{picture.model} has no such label. It has {some}.", "label")
