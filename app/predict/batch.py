"""POST /v1/predict/batch: many pictures in, their labels out; a bad picture is an error in its place."""

from asyncio import to_thread
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from starlette.types import Scope

from app.inference.answer import Answers
from app.inference.engine import Engine
from app.inference.loaded import MAX_BATCH
from app.inference.uncertain import Keep, hand_over
from app.predict import spelled
from app.predict.answers import PICTURE, ModelParam
from app.predict.asked import Asked, direct_way
from app.predict.pictures import SentPictures, in_plain_form, many_pictures
from app.predict.schemas import BatchPrediction, PreparedParam, TopKParam
from app.web.access.visitor import client_of
from app.web.connection import while_connected
from app.web.direct import Direct, Sent
from app.web.openapi import raises
from app.web.openapi.codes import data_sets, door, kept, pictures
from app.web.request_id import new_id
from app.web.route import StrictRoute
from models_store.datasets.archive import ArchiveLimits
from models_store.errors import ImageRejected
from models_store.refs import Ref

_QUICK = 16  # answers that are written on the event loop
_B64: dict[str, Any] = {
    "type": "string",
    "description": "the picture's file in base64",
    "examples": [  # white on black, 8 x 8 pixels: a 1
        "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAEUlEQVR42mNgQAL//5PDAAMArqcL9ThWnbEAAAAASUVORK5CYII="
    ],
}
_INSTANCE: dict[str, Any] = {
    "title": "Instance", "type": "object", "required": ["b64"], "properties": {"b64": _B64},
}  # fmt: skip
_MANY: dict[str, Any] = {
    "required": True,
    "description": f"Up to {MAX_BATCH} pictures: the multipart field `files` repeated, a zip, or base64 in JSON.",
    "content": {
        "multipart/form-data": {
            "schema": {
                "title": "PicturesForm",
                "description": "Many pictures.",
                "type": "object",
                "required": ["files"],
                "properties": {"files": {"type": "array", "items": PICTURE, "description": "a picture each"}},
            },
        },
        "application/zip": {"schema": PICTURE},
        "application/json": {
            "schema": {
                "title": "Instances",
                "description": "Many pictures as texts.",
                "type": "object",
                "required": ["instances"],
                "properties": {"instances": {"type": "array", "items": _INSTANCE, "description": "a picture each"}},
                "additionalProperties": False,
            },
        },
    },
}
_BATCH_LIMITS = ArchiveLimits(max_entries=4 * MAX_BATCH, max_expanded_bytes=64 * 2**20)


def router(engine: Engine, default_model: str, keep: Keep | None = None) -> APIRouter:
    """The route, answering from `engine`. `keep` is given what it is uncertain of."""
    routes = APIRouter(route_class=StrictRoute, prefix="/v1/predict", tags=["predict"])

    @routes.post(
        "/batch",
        summary="Read many pictures",
        response_model=BatchPrediction,
        openapi_extra={"requestBody": _MANY},
        responses=raises(
            kept.VERSION, kept.LOADING, door.FORM, door.JSON, "bad_string", data_sets.ARCHIVE, pictures.MANY,
            pictures.QUEUE,
        ),
    )  # fmt: skip
    async def predict_batch(
        request: Request, model: ModelParam = default_model, top_k: TopKParam = None, prepared: PreparedParam = False
    ) -> Response:
        """Reads up to 256 pictures. A bad one has an `error` in its place; the others are answered."""
        asked = Asked(Ref.parse(model), top_k, prepared)
        answer = await _answer(engine, keep, asked, await many_pictures(request, _BATCH_LIMITS), request.scope)
        return Response(answer, media_type="application/json")

    return routes


def direct(engine: Engine, default_model: str, keep: Keep | None = None) -> Direct:
    """The route's direct way."""

    async def predict_batch(asked: Asked, sent: Sent) -> bytes | None:
        pictures = in_plain_form(sent.kind, sent.body)
        return await _answer(engine, keep, asked, pictures, sent.scope) if pictures else None

    return direct_way(default_model, predict_batch)


async def _answer(engine: Engine, keep: Keep | None, asked: Asked, sent: SentPictures, scope: Scope) -> bytes:
    images = [picture.image for picture in sent.pictures if isinstance(picture.image, bytes)]
    answers = await while_connected(scope, engine.predict(asked.ref, images, client_of(scope)))
    for picture in sent.pictures:
        if isinstance(picture.image, ImageRejected):  # no version has seen it
            engine.counts.refused(picture.image)
    quick = len(sent.pictures) <= _QUICK and not asked.prepared
    written = _written(sent, answers, asked) if quick else await to_thread(_written, sent, answers, asked)
    hand_over(keep, answers, images)
    return written


def _written(sent: SentPictures, answers: Answers, asked: Asked) -> bytes:
    read = iter(answers.items)
    predictions = []
    for picture in sent.pictures:
        item = picture.image if isinstance(picture.image, ImageRejected) else next(read)
        if isinstance(item, ImageRejected):
            said = spelled.refusal(item)
        else:
            said = spelled.reading(item, asked.top_k, asked.prepared)
        predictions.append({"name": picture.name, **said})
    answer = {
        "id": new_id("pred"),
        "model": answers.version.ref,
        "predictions": predictions,
        "passed_over": sent.passed_over,
        "timing_ms": spelled.timing(answers.seconds),
    }
    return orjson.dumps(answer)
