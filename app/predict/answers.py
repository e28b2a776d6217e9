"""What the schemas of all routes about pictures share: how one comes, which version read it, and how long that took."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field

PICTURE: dict[str, Any] = {"type": "string", "format": "binary"}
_FORM: dict[str, Any] = {
    "title": "PictureForm",
    "description": "One picture.",
    "type": "object",
    "required": ["file"],
    "properties": {"file": {**PICTURE, "description": "the picture"}},
}
ONE_PICTURE: dict[str, Any] = {
    "required": True,
    "description": "One PNG, JPEG, WEBP, BMP, GIF or TIFF picture: as the multipart field `file`, or as the "
    "whole body.",
    "content": {
        "multipart/form-data": {
            "schema": _FORM,
        },
        "image/png": {"schema": PICTURE},
        "image/jpeg": {"schema": PICTURE},
        "application/octet-stream": {"schema": PICTURE},
    },
}
ModelParam = Annotated[
    str, Query(description="`name`, `name@alias` or `name@7`", examples=["digits", "digits@previous"])
]


class Timing(BaseModel):
    """Where the time went, in milliseconds."""

    prepare: float = Field(description="decoding pictures and finding the writing in them", examples=[1.412])
    queue: float = Field(description="waiting for a turn", examples=[0.284])
    infer: float = Field(description="the model, on the batches with these pictures", examples=[1.905])


class ComputedBy(BaseModel):
    """By whom an answer was computed."""

    id: str = Field(examples=["pred_5f2a9c0d1e7b4a68"])
    model: str = Field(description="the version that computed this", examples=["digits@1"])
