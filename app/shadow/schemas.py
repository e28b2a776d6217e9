"""What clients see of a challenger in shadow and say of its pictures."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.shadow.mcnemar import MOST_LABELS
from app.shadow.record import Phase

_SAID = (
    "digits@2 was right in 31, digits@1 in 12 of 50 labelled pictures (McNemar's exact test: p = 0.0054). digits@2 is "
    f"promoted where it was right in 32 pictures more than digits@1, within {MOST_LABELS} labels."
)


class Doubt(BaseModel):
    """One picture that both read otherwise, and that waits for a person's label."""

    id: str = Field(examples=["sh-0a1b2c3d4e5f60718293a4b5"])
    labels: list[str] = Field(
        description="what the two versions read, in random order: which said which is not told, so that nobody is led",
        examples=[["7", "1"]],
    )
    thumbnail: str | None = Field(
        description="a PNG of at most 96 pixels a side as a data: URL; null where it went this moment",
        examples=["data:image/png;base64,…"],
    )


class Right(BaseModel):
    """How often which of the two was right, of the pictures with a label."""

    champion: int = Field(examples=[12])
    challenger: int = Field(examples=[31])
    neither: int = Field(description="both were wrong, or nobody can tell", examples=[7])


class ShadowReport(BaseModel):
    """What is known of a model's challenger, and the pictures to be labelled now."""

    id: str = Field(examples=["shadow-0a1b2c3d4e5f60718293a4b5"])
    object: Literal["model.shadow"] = "model.shadow"
    created_at: int = Field(description="Unix time", examples=[1790000000])
    ended_at: int | None = Field(description="null while it goes on")
    state: Phase = Field(
        description="`promoted` without `ended_at`: roles were changed, the former champion reads beside the new one"
    )
    champion: str = Field(description="the version that answers", examples=["digits@1"])
    challenger: str = Field(description="the version that reads beside it", examples=["digits@2"])
    share: float = Field(description="of the pictures: DIGITSERVE_SHADOW_SHARE", examples=[0.2])
    compared: int = Field(description="pictures that both have read", examples=[5210])
    differed: int = Field(description="those that they read otherwise", examples=[61])
    labelled: int = Field(examples=[50])
    right: Right
    lead: int = Field(description="how much more often the challenger was right; below 0: less often", examples=[19])
    needed_lead: int = Field(description="either way, within `most_labels`", examples=[32])
    most_labels: int = MOST_LABELS
    p: float = Field(description="McNemar's exact test, two-sided", examples=[0.0054])
    said: str = Field(description="what this means, in a sentence or two", examples=[_SAID])
    trouble: str | None = Field(description="why the challenger reads nothing in this process; null where it can")
    labels: list[str] = Field(description="one of them is the answer, or `unreadable`", examples=[list("0123456789")])
    data: list[Doubt] = Field(description="drawn at random; the next ones come when all of these have a label")
    has_more: bool = Field(description="whether more wait than `data` has")


class ShadowLabel(BaseModel):
    """What a client sends."""

    model_config = ConfigDict(extra="forbid", strict=True)

    label: str = Field(max_length=200, description="what is on the picture, or `unreadable`", examples=["7"])


class ShadowLabelled(BaseModel):
    """A picture that has its label: it is gone, and the label counts."""

    id: str = Field(examples=["sh-0a1b2c3d4e5f60718293a4b5"])
    object: Literal["model.shadow.picture"] = "model.shadow.picture"
    label: str = Field(examples=["7"])
    state: Phase = Field(description="of the comparison after it")
    labelled: int = Field(examples=[50])
    said: str = Field(description="as in the report", examples=[_SAID])


class ShadowEnded(BaseModel):
    """A comparison that somebody ended; its pictures are gone."""

    id: str = Field(examples=["shadow-0a1b2c3d4e5f60718293a4b5"])
    object: Literal["model.shadow"] = "model.shadow"
    state: Phase = Field(examples=["ended"])
    said: str = Field(description="as in the report", examples=["The comparison was ended by a person."])
