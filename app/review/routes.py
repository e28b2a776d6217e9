"""/v1/review: uncertain pictures are shown, answered and dismissed. It knows no model and no store of corrections."""

import base64
from contextlib import suppress
from itertools import islice
from typing import Annotated, Any, Literal, Protocol

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.errors import NotFound, Unprocessable
from app.review.store import ReviewStore, Waiting
from app.web.problems import EXAMPLE_RESPONSE
from app.web.request import from_json

_BEST = 2  # labels shown of each
_SHOWN_LABELS = 20  # in a sentence

IdParam = Annotated[str, Path(description="a picture's id", examples=["rv-0a1b2c3d4e5f60718293a4b5"])]
ModelParam = Annotated[
    str | None, Query(description="only what this model read, or this version of it", examples=["digits", "digits@7"])
]


class Correct(Protocol):
    """Stores a correction: `label` is what is on `picture`, whatever the version `read_by` took it for."""

    def __call__(
        self, model: str, label: str, picture: bytes, *, read_by: str | None, read_as: str | None
    ) -> object: ...


class Guess(BaseModel):
    """A label and how probable the version found it."""

    label: str = Field(examples=["3"])
    probability: float = Field(examples=[0.44])


class ReviewPicture(BaseModel):
    """One picture that waits for a person."""

    id: str = Field(examples=["rv-0a1b2c3d4e5f60718293a4b5"])
    object: Literal["review.picture"] = "review.picture"
    created_at: int = Field(description="Unix time", examples=[1790000000])
    model: str = Field(description="the version that read it", examples=["digits@1"])
    label: str = Field(description="what it read", examples=["3"])
    confidence: float = Field(examples=[0.44])
    best: list[Guess] = Field(description="the two most probable labels")
    labels: list[str] = Field(description="the version's labels: one of them is the answer", examples=[["3", "5"]])
    thumbnail: str | None = Field(
        description="a PNG of at most 96 pixels a side as a data: URL; null where it went this moment",
        examples=["data:image/png;base64,…"],
    )


class ReviewList(BaseModel):
    """The pictures that are worth a look first. When they are answered or dismissed, ask again for the next ones."""

    object: Literal["list"] = "list"
    data: list[ReviewPicture]
    first_id: str | None
    last_id: str | None
    has_more: bool
    keeping: bool = Field(description="whether uncertain pictures are kept: DIGITSERVE_KEEP_UNCERTAIN")


class Reviewed(BaseModel):
    """A picture that a person has answered: it is a correction now, and waits no more."""

    id: str = Field(examples=["rv-0a1b2c3d4e5f60718293a4b5"])
    object: Literal["review.picture"] = "review.picture"
    model: str = Field(description="the version that read it", examples=["digits@1"])
    read_as: str = Field(examples=["3"])
    label: str = Field(description="what it is", examples=["5"])


class ReviewDeleted(BaseModel):
    """A picture that is gone."""

    id: str = Field(examples=["rv-0a1b2c3d4e5f60718293a4b5"])
    object: Literal["review.picture"] = "review.picture"
    deleted: bool = True


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    label: str = Field(description="what is on the picture: one of its `labels`", examples=["5"])


_BODY: dict[str, Any] = {"required": True, "content": {"application/json": {"schema": _Answer.model_json_schema()}}}
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "A PNG", "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
}


def router(store: ReviewStore, correct: Correct, keeping: bool) -> APIRouter:
    """The routes, answering from `store`; `correct` is called in a thread, and what it raises is answered.

    Where nothing is kept the queue is empty, whatever an earlier start has left.
    """
    routes = APIRouter(prefix="/v1/review", tags=["review"], responses={"default": EXAMPLE_RESPONSE})

    @routes.get("", summary="List what is worth a look")
    def queue(limit: Annotated[int, Query(ge=1, le=100)] = 20, model: ModelParam = None) -> ReviewList:
        """Pictures that a version was uncertain of, in the order in which a person's answers teach most.

        The least certain one is first; then those that differ from all before them, as far as they are uncertain.
        """
        found, more = store.queue(limit, model) if keeping else ([], False)
        first, last = (found[0].id, found[-1].id) if found else (None, None)
        shown = [_shown(*pair) for pair in zip(found, store.thumbnails(found), strict=True)]
        return ReviewList(data=shown, first_id=first, last_id=last, has_more=more, keeping=keeping)

    @routes.get("/{picture_id}/picture", summary="Show the picture", response_class=Response, responses=_PICTURE)
    def picture(picture_id: IdParam) -> Response:
        """The picture upright, at most 1,024 pixels a side, without anything that a camera wrote beside it."""
        headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        return Response(store.picture(picture_id), media_type="image/png", headers=headers)

    @routes.post("/{picture_id}", summary="Say what it is", openapi_extra={"requestBody": _BODY})
    async def answer(request: Request, picture_id: IdParam) -> Reviewed:
        """Makes the picture a correction with the label that you give, and takes it out of the queue."""
        label = _label(from_json(await request.body()))

        def answered() -> Reviewed:
            known = store.get(picture_id)
            if label not in known.probabilities:
                raise _unknown(known)
            name = known.model.partition("@")[0]
            correct(name, label, store.picture(picture_id), read_by=known.model, read_as=known.label)
            with suppress(NotFound):  # dismissed meanwhile: the correction counts
                store.delete(picture_id)
            return Reviewed(id=picture_id, model=known.model, read_as=known.label, label=label)

        return await run_sync(answered)

    @routes.delete("/{picture_id}", summary="Dismiss a picture")
    def dismiss(picture_id: IdParam) -> ReviewDeleted:
        """Deletes the picture and everything known of it."""
        store.delete(picture_id)
        return ReviewDeleted(id=picture_id)

    return routes


def _shown(picture: Waiting, thumbnail: bytes | None) -> ReviewPicture:
    likeliest = sorted(picture.probabilities.items(), key=lambda pair: -pair[1])[:_BEST]
    return ReviewPicture(
        id=picture.id,
        created_at=int(picture.created_at),
        model=picture.model,
        label=picture.label,
        confidence=picture.confidence,
        best=[Guess(label=label, probability=probability) for label, probability in likeliest],
        labels=list(picture.probabilities),
        thumbnail=f"data:image/png;base64,{base64.b64encode(thumbnail).decode()}" if thumbnail else None,
    )


def _label(document: object) -> str:
    # not a parameter of the route, as in app.catalog: FastAPI would answer 400 where a body is too large or no JSON
    try:
        return _Answer.model_validate(document).label
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def _unknown(picture: Waiting) -> Unprocessable:
    some = ", ".join(islice(picture.probabilities, _SHOWN_LABELS))
    return Unprocessable("label_unknown", f"{picture.model} has no such label. It has {some}.", "label")
