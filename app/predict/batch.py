"""POST /v1/predict/batch: many pictures in, their labels out; a bad picture is an error in its place."""

from asyncio import to_thread
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from app.inference.answer import Answers
from app.inference.engine import Engine
from app.inference.loaded import MAX_BATCH
from app.predict.answers import PICTURE, ModelParam, Timing, new_id
from app.predict.pictures import SentPicture, SentPictures, many_pictures
from app.predict.schemas import (
    BadPicture,
    BatchPrediction,
    NamedReading,
    PreparedParam,
    TopKParam,
    bad_picture,
    named,
    reading_of,
)
from app.predict.uncertain import Keep, hand_over
from app.web.client import client_of
from app.web.connection import while_connected
from app.web.problems import EXAMPLE_RESPONSE
from app.web.route import StrictRoute
from models_store.datasets.archive import ArchiveLimits
from models_store.errors import ImageRejected
from models_store.refs import Ref

_INSTANCE: dict[str, Any] = {"type": "object", "required": ["b64"], "properties": {"b64": {"type": "string"}}}
_MANY: dict[str, Any] = {
    "required": True,
    "description": f"Up to {MAX_BATCH} pictures: the multipart field `files` repeated, a zip, or base64 in JSON.",
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["files"],
                "properties": {"files": {"type": "array", "items": PICTURE}},
            },
        },
        "application/zip": {"schema": PICTURE},
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["instances"],
                "properties": {"instances": {"type": "array", "items": _INSTANCE}},
                "additionalProperties": False,
            },
        },
    },
}
_BATCH_LIMITS = ArchiveLimits(max_entries=4 * MAX_BATCH, max_expanded_bytes=64 * 2**20)


def router(engine: Engine, default_model: str, keep: Keep | None = None) -> APIRouter:
    """The route, answering from `engine`. `keep` is given what it is uncertain of."""
    routes = APIRouter(
        route_class=StrictRoute, prefix="/v1/predict", tags=["predict"], responses={"default": EXAMPLE_RESPONSE}
    )

    @routes.post("/batch", summary="Read many", response_model=BatchPrediction, openapi_extra={"requestBody": _MANY})
    async def predict_batch(
        request: Request, model: ModelParam = default_model, top_k: TopKParam = None, prepared: PreparedParam = False
    ) -> Response:
        """Reads up to 256 pictures. A bad one has an `error` in its place; the others are answered."""
        ref = Ref.parse(model)
        sent = await many_pictures(request, _BATCH_LIMITS)
        images = [picture.image for picture in sent.pictures if isinstance(picture.image, bytes)]
        answers = await while_connected(request, engine.predict(ref, images, client_of(request.scope)))
        written = await to_thread(_written, sent, answers, top_k, prepared)
        hand_over(keep, answers, images)
        return Response(written, media_type="application/json")

    return routes


def _written(sent: SentPictures, answers: Answers, top_k: int | None, with_prepared: bool) -> bytes:
    """The answer as JSON: FastAPI would write it on the event loop, which takes as long as the model."""
    answer = BatchPrediction(
        id=new_id("pred"),
        model=answers.version.ref,
        predictions=_predictions(sent.pictures, answers, top_k, with_prepared),
        passed_over=sent.passed_over,
        timing_ms=Timing.of(answers.seconds),
    )
    return answer.model_dump_json(exclude_unset=True).encode()


def _predictions(
    pictures: Sequence[SentPicture], answers: Answers, top_k: int | None, with_prepared: bool
) -> list[NamedReading | BadPicture]:
    read = iter(answers.items)
    found: list[NamedReading | BadPicture] = []
    for picture in pictures:
        item = picture.image if isinstance(picture.image, ImageRejected) else next(read)
        if isinstance(item, ImageRejected):
            found.append(bad_picture(picture.name, item))
        else:
            found.append(named(picture.name, reading_of(item, top_k, with_prepared)))
    return found
