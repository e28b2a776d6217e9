"""POST /v1/predict and /v1/predict/batch: pictures in, labels out. It knows HTTP and the engine, no torch, no files."""

import base64
from asyncio import to_thread
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from app.errors import EXAMPLE_RESPONSE, Problem
from app.inference.engine import Answer, Answers, Engine
from app.predict.answers import ONE_PICTURE, PICTURE, Computed, ModelParam, Timing, new_id
from app.web.connection import while_connected
from app.web.request import MAX_BATCH, many_pictures, one_picture
from models_store.datasets.archive import ArchiveLimits
from models_store.errors import ImageRejected
from models_store.manifest import Manifest
from models_store.pictures.decode import Pixels, to_png
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

# Takes a picture that a version was uncertain of: the version's ref, the picture as it came, each label's probability,
# and what the version saw. Returns at once and raises nothing.
Keep = Callable[[str, bytes, Mapping[str, float], Pixels], None]

TopKParam = Annotated[int | None, Query(ge=1, le=1000, description="keep only the most probable labels")]
PreparedParam = Annotated[bool, Query(description="return what the model saw")]
ExplainParam = Annotated[bool, Query(description="return what in it speaks for the label, and what against it")]


class Reading(BaseModel):
    """What a version says of one picture."""

    label: str = Field(examples=["7"])
    confidence: float = Field(description="calibrated probability of the label", examples=[0.9987])
    uncertain: bool = Field(description="the version's threshold was not reached: a person should look")
    probabilities: dict[str, float] = Field(
        description="in the order of the model's labels; with `top_k`, the best ones first",
        examples=[{"7": 0.9987, "1": 0.0006, "2": 0.0004}],
    )
    warnings: list[str] = Field(description="blank_image, low_contrast, several_marks, not_a_digit", examples=[[]])
    prepared: str | None = Field(None, description="with `prepared=true`: what the model saw, a PNG in base64")
    explanation: str | None = Field(
        None, description="with `explain=true`: what the model saw, red where it speaks for the label, a PNG in base64"
    )


class Prediction(Reading, Computed):  # the fields of the last base come first
    """The answer to one picture."""

    timing_ms: Timing


class BadPicture(BaseModel):
    """In the place of a picture that can't be read."""

    error: dict[str, str] = Field(examples=[{"code": "image_invalid", "message": "The picture is damaged. …"}])


class BatchPrediction(Computed):
    """The answers to many pictures, in their order."""

    predictions: list[Reading | BadPicture]
    timing_ms: Timing


def router(engine: Engine, default_model: str, keep: Keep | None = None) -> APIRouter:
    """The routes, answering from `engine`. `keep` is given what it is uncertain of."""
    routes = APIRouter(prefix="/v1/predict", tags=["predict"], responses={"default": EXAMPLE_RESPONSE})

    @routes.post(
        "", summary="Read one picture", response_model_exclude_none=True, openapi_extra={"requestBody": ONE_PICTURE}
    )
    async def predict(
        request: Request,
        model: ModelParam = default_model,
        top_k: TopKParam = None,
        prepared: PreparedParam = False,
        explain: ExplainParam = False,
    ) -> Prediction:
        """Reads the digit (or whatever the model was taught) on one picture.

        A 28x28 grey picture of light ink on black goes to the model untouched. In any other one the writing is found
        first: dark on light or light on dark, anywhere on the page.
        """
        ref = Ref.parse(model)
        image = await one_picture(request)
        answers = await while_connected(request, engine.predict(ref, [image]))
        (item,) = answers.items
        if isinstance(item, ImageRejected):
            raise item
        reading = _reading(item, answers.live.version.manifest, top_k, prepared)
        if keep is not None:
            _hand_over(keep, answers, [image])
        if explain:
            heat = await while_connected(request, engine.explain(answers.live, item.prepared.pixels))
            reading.explanation = base64.b64encode(heat).decode()
        return Prediction(
            **dict(reading), id=new_id("pred"), model=answers.live.version.ref, timing_ms=_timing(answers)
        )

    @routes.post("/batch", summary="Read many", response_model_exclude_none=True, openapi_extra={"requestBody": _MANY})
    async def predict_batch(
        request: Request, model: ModelParam = default_model, top_k: TopKParam = None, prepared: PreparedParam = False
    ) -> BatchPrediction:
        """Reads up to 256 pictures. A bad one has an `error` in its place; the others are answered."""
        ref = Ref.parse(model)
        images = await many_pictures(request, _BATCH_LIMITS)
        answers = await while_connected(request, engine.predict(ref, images))
        readings = await to_thread(_readings, answers, top_k, prepared)
        if keep is not None:
            _hand_over(keep, answers, images)
        ref_text = answers.live.version.ref
        return BatchPrediction(id=new_id("pred"), model=ref_text, predictions=readings, timing_ms=_timing(answers))

    return routes


def _readings(answers: Answers, top_k: int | None, with_prepared: bool) -> list[Reading | BadPicture]:
    manifest = answers.live.version.manifest
    return [
        _bad(item) if isinstance(item, ImageRejected) else _reading(item, manifest, top_k, with_prepared)
        for item in answers.items
    ]


def _reading(answer: Answer, manifest: Manifest, top_k: int | None, with_prepared: bool) -> Reading:
    every = answer.probabilities.tolist()
    pairs = list(zip(manifest.labels, every, strict=True))
    warnings = [str(warned) for warned in answer.prepared.warnings]
    strange = manifest.calibration.is_strange(every) and not answer.prepared.is_blank
    label, confidence = max(pairs, key=lambda pair: pair[1])
    if top_k is not None:
        pairs = sorted(pairs, key=lambda pair: -pair[1])[:top_k]
    return Reading(
        label=label,
        confidence=round(confidence, 6),
        uncertain=answer.prepared.is_doubtful or manifest.calibration.is_uncertain(every),
        probabilities={name: round(p, 6) for name, p in pairs},
        warnings=[*warnings, *(["not_a_digit"] if strange else [])],
        prepared=base64.b64encode(to_png(answer.prepared.pixels)).decode() if with_prepared else None,
    )


def _hand_over(keep: Keep, answers: Answers, images: Sequence[bytes]) -> None:
    """Blank pictures are uncertain too, and nobody can tell more of them."""
    version = answers.live.version
    for image, item in zip(images, answers.items, strict=True):
        if isinstance(item, ImageRejected) or item.prepared.is_blank:
            continue
        every = item.probabilities.tolist()
        if item.prepared.is_doubtful or version.manifest.calibration.is_uncertain(every):
            pairs = zip(version.manifest.labels, every, strict=True)
            keep(version.ref, image, {label: round(p, 6) for label, p in pairs}, item.prepared.pixels)


def _bad(refusal: ImageRejected) -> BadPicture:
    problem = Problem.of(refusal)
    assert problem is not None
    return BadPicture(error={"code": problem.code, "message": problem.detail})


def _timing(answers: Answers) -> Timing:
    return Timing.of(answers.prepare_seconds, answers.queue_seconds, answers.infer_seconds)
