"""What clients see of corrections, in the shapes of the other lists."""

from typing import Literal

from pydantic import BaseModel, Field

_ID = "fb-0a1b2c3d4e5f60718293a4b5"


class FeedbackObject(BaseModel):
    """One correction: a picture and what it really shows."""

    id: str = Field(examples=[_ID])
    object: Literal["feedback"] = "feedback"
    created_at: int = Field(description="Unix time", examples=[1790000000])
    changed_at: int = Field(description="when the label was last given", examples=[1790000000])
    model: str = Field(description="the model that learns from it, by its name", examples=["digits"])
    label: str = Field(description="what the picture shows", examples=["7"])
    read_by: str | None = Field(description="the version that read it wrong", examples=["digits@1"])
    read_as: str | None = Field(description="and what it read", examples=["1"])
    sha256: str = Field(
        description="of the pixels as they are kept: the same picture comes once",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    bytes: int = Field(description="of the picture as it is kept", examples=[1188])
    width: int = Field(description="pixels", examples=[28])
    height: int = Field(description="pixels", examples=[28])
    job: str | None = Field(
        description="the first job that learned from it with this label", examples=["ftjob-5f2a9c0d1e7b4a68f2a9c0d1"]
    )


class FeedbackGiven(FeedbackObject):
    """The answer to a correction."""

    replaced: str | None = Field(None, description="the label that the picture had until now", examples=["3"])


class ListedFeedback(FeedbackObject):
    """One correction in a list."""

    thumbnail: str | None = Field(
        description="a PNG of at most 96 pixels a side as a data: URL; null where it was deleted this moment",
        examples=["data:image/png;base64,iVBORw0KGgo…"],
    )


class FeedbackList(BaseModel):
    """A page of corrections, the newest first. The next one begins behind `last_id`."""

    object: Literal["list"] = "list"
    data: list[ListedFeedback]
    first_id: str | None
    last_id: str | None
    has_more: bool


class FeedbackSummary(BaseModel):
    """How many corrections a model has."""

    object: Literal["feedback.summary"] = "feedback.summary"
    model: str = Field(examples=["digits"])
    total: int = Field(examples=[30])
    per_label: dict[str, int] = Field(examples=[{"1": 12, "7": 18}])
    waiting: int = Field(description="from which no job has learned yet", examples=[12])
    job_after: int | None = Field(
        description="so many that wait start a job by themselves; null where none does", examples=[20]
    )


class FeedbackDeleted(BaseModel):
    """The answer to a deletion."""

    id: str = Field(examples=[_ID])
    object: Literal["feedback"] = "feedback"
    deleted: bool = True
