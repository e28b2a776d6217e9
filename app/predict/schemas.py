"""Predictions as clients see them, and how a verdict is spelled as one."""

import base64
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from app.inference.answer import Answer
from app.predict.answers import ComputedBy, Timing
from app.web.problems import Problem
from models_store.errors import ImageRejected
from models_store.pictures.decode import to_png
from models_store.pictures.warnings import PictureWarning

TopKParam = Annotated[int | None, Query(ge=1, le=1000, description="keep only the most probable labels")]
PreparedParam = Annotated[bool, Query(description="return what the model saw")]


class Reading(BaseModel):
    """What a version says of one picture."""

    label: str = Field(examples=["7"])
    confidence: float = Field(description="calibrated probability of the label", examples=[0.9987])
    uncertain: bool = Field(
        description="a person should look: the version's threshold was not reached, or a warning says why"
    )
    probabilities: dict[str, float] = Field(
        description="in the order of the model's labels; with `top_k`, the best ones first",
        examples=[{"7": 0.9987, "1": 0.0006, "2": 0.0004}],
    )
    warnings: list[PictureWarning] = Field(description="what the answer should be read with", examples=[[]])
    prepared: str | None = Field(None, description="with `prepared=true`: what the model saw, a PNG in base64")
    explanation: str | None = Field(
        None, description="with `explain=true`: what the model saw, red where it speaks for the label, a PNG in base64"
    )


class Prediction(Reading, ComputedBy):  # the fields of the last base come first
    """The answer to one picture."""

    timing_ms: Timing


class Named(BaseModel):
    """What a picture of a batch was called."""

    name: str | None = Field(
        description="of the picture's file, or in the zip; null where it came without one", examples=["scans/7.png"]
    )


class NamedReading(Reading, Named):
    """What a version says of one picture of a batch."""


class BadPicture(Named):
    """In the place of a picture that can't be read."""

    error: dict[str, str] = Field(examples=[{"code": "image_invalid", "message": "The picture is damaged. …"}])


class BatchPrediction(ComputedBy):
    """The answers to many pictures, in their order."""

    predictions: list[NamedReading | BadPicture]
    passed_over: int = Field(
        description="files of the zip that are no pictures: what systems add, hidden files, notes", examples=[0]
    )
    timing_ms: Timing


def reading_of(answer: Answer, top_k: int | None, with_prepared: bool) -> Reading:
    """One answer, with all labels in the manifest's order, or the `top_k` best."""
    verdict = answer.verdict
    pairs = verdict.probabilities.items() if top_k is None else verdict.best(top_k)
    return Reading(
        label=verdict.label,
        confidence=round(verdict.confidence, 6),
        uncertain=verdict.uncertain,
        probabilities={label: round(probability, 6) for label, probability in pairs},
        warnings=list(verdict.warnings),
        prepared=base64.b64encode(to_png(answer.prepared.pixels)).decode() if with_prepared else None,
    )


def named(name: str | None, reading: Reading) -> NamedReading:
    """A reading in a batch; what was not asked for is left unset."""
    return NamedReading(name=name, **{field: value for field, value in reading if value is not None})


def bad_picture(name: str | None, refusal: ImageRejected) -> BadPicture:
    """What stands in the place of a picture that was refused."""
    problem = Problem.of(refusal)
    assert problem is not None, "a refused picture has a row in the table"
    return BadPicture(name=name, error={"code": problem.code, "message": problem.detail})
