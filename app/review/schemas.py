"""What clients see of uncertain pictures and say of them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


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
    best: list[Guess] = Field(
        description="the two most probable labels",
        examples=[[{"label": "3", "probability": 0.44}, {"label": "5", "probability": 0.41}]],
    )
    labels: list[str] = Field(description="the version's labels: one of them is the answer", examples=[["3", "5"]])
    thumbnail: str | None = Field(
        description="a PNG of at most 96 pixels a side as a data: URL; null where it went this moment",
        examples=["data:image/png;base64,…"],
    )


class ReviewList(BaseModel):
    """The pictures that are worth a look first. When they are answered or dismissed, ask again for the next ones."""

    object: Literal["list"] = "list"
    data: list[ReviewPicture]
    first_id: str | None = Field(examples=["rv-0a1b2c3d4e5f60718293a4b5"])
    last_id: str | None = Field(examples=["rv-0a1b2c3d4e5f60718293a4b5"])
    has_more: bool
    keeping: bool = Field(description="whether uncertain pictures are kept: DIGITSERVE_KEEP_UNCERTAIN", examples=[True])


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


class ReviewAnswer(BaseModel):
    """What a client sends."""

    model_config = ConfigDict(extra="forbid", strict=True)

    label: str = Field(description="what is on the picture: one of its `labels`", examples=["5"])
