"""What all answers about pictures have in common: how a picture comes, which version read it, where the time went."""

import secrets
from typing import Annotated, Any, Self

from fastapi import Query
from pydantic import BaseModel, Field

from app.inference.answer import Durations

PICTURE: dict[str, Any] = {"type": "string", "format": "binary"}
ONE_PICTURE: dict[str, Any] = {
    "required": True,
    "description": "One PNG, JPEG, WEBP or BMP picture: as the multipart field `file`, or as the whole body.",
    "content": {
        "multipart/form-data": {
            "schema": {"type": "object", "required": ["file"], "properties": {"file": PICTURE}},
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

    prepare: float = Field(description="decoding pictures and finding the writing in them")
    queue: float = Field(description="waiting for a turn")
    infer: float = Field(description="the model, on the batches with these pictures")

    @classmethod
    def of(cls, seconds: Durations) -> Self:
        """To the microsecond."""
        prepare, queue, infer = (
            round(1000 * duration, 3) for duration in (seconds.prepare, seconds.queue, seconds.infer)
        )
        return cls(prepare=prepare, queue=queue, infer=infer)


class ComputedBy(BaseModel):
    """By whom an answer was computed."""

    id: str = Field(examples=["pred_5f2a9c0d1e7b4a68"])
    model: str = Field(description="the version that computed this", examples=["digits@1"])


def new_id(kind: str) -> str:
    """Of an answer: `pred_…`, `read_…`."""
    return f"{kind}_{secrets.token_hex(8)}"
