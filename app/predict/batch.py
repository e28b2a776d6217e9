"""POST /v1/predict/batch: many pictures in, their labels out; a bad picture is an error in its place."""

from asyncio import to_thread
from typing import Any

from fastapi import APIRouter, Request

from app.inference.answer import Answers
from app.inference.engine import Engine
from app.inference.loaded import MAX_BATCH
from app.predict.answers import PICTURE, ModelParam, Timing, new_id
from app.predict.pictures import many_pictures
from app.predict.schemas import (
    BadPicture,
    BatchPrediction,
    PreparedParam,
    Reading,
    TopKParam,
    bad_picture,
    reading_of,
)
from app.predict.uncertain import Keep, hand_over
from app.web.connection import while_connected
from app.web.problems import EXAMPLE_RESPONSE
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
            "schema": {"type": "object", "properties": {"instances": {"type": "array", "items": _INSTANCE}}},
        },
    },
}
_BATCH_LIMITS = ArchiveLimits(max_entries=4 * MAX_BATCH, max_expanded_bytes=64 * 2**20)


def router(engine: Engine, default_model: str, keep: Keep | None = None) -> APIRouter:
    """The route, answering from `engine`. `keep` is given what it is uncertain of."""
    routes = APIRouter(prefix="/v1/predict", tags=["predict"], responses={"default": EXAMPLE_RESPONSE})

    @routes.post("/batch", summary="Read many", response_model_exclude_none=True, openapi_extra={"requestBody": _MANY})
    async def predict_batch(
        request: Request, model: ModelParam = default_model, top_k: TopKParam = None, prepared: PreparedParam = False
    ) -> BatchPrediction:
        """Reads up to 256 pictures. A bad one has an `error` in its place; the others are answered."""
        ref = Ref.parse(model)
        images = await many_pictures(request, _BATCH_LIMITS)
        answers = await while_connected(request, engine.predict(ref, images))
        readings = await to_thread(_readings, answers, top_k, prepared)
        hand_over(keep, answers, images)
        timing = Timing.of(answers.seconds)
        return BatchPrediction(id=new_id("pred"), model=answers.version.ref, predictions=readings, timing_ms=timing)

    return routes


def _readings(answers: Answers, top_k: int | None, with_prepared: bool) -> list[Reading | BadPicture]:
    return [
        bad_picture(item) if isinstance(item, ImageRejected) else reading_of(item, top_k, with_prepared)
        for item in answers.items
    ]
