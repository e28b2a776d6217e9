"""Predictions as clients see them; `spelled` makes them."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from app.predict.answers import ComputedBy, Timing
from app.predict.asked import MOST_TOP_K
from models_store.pictures.warnings import PictureWarning

TopKParam = Annotated[int | None, Query(ge=1, le=MOST_TOP_K, description="keep only the most probable labels")]
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

    error: dict[str, str] = Field(
        description="its code, and what to do",
        examples=[{"code": "image_invalid", "message": "The picture is damaged. …"}],
    )


class BatchPrediction(ComputedBy):
    """The answers to many pictures, in their order."""

    predictions: list[NamedReading | BadPicture]
    passed_over: int = Field(
        description="files of the zip that are no pictures: what systems add, hidden files, notes", examples=[0]
    )
    timing_ms: Timing
