"""What clients see of corrections, in the shapes of the other lists."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

_ID = "fb-0a1b2c3d4e5f60718293a4b5"
_JOB = "ftjob-5f2a9c0d1e7b4a68f2a9c0d1"
_GROUP = "hg-9f86d081884c7d659a2feaa0"


def _is_text(text: str) -> str:
    if "\x00" in text:  # PostgreSQL can't hold it
        raise PydanticCustomError("bad_string", "Text can't hold the character NUL")
    return text


_Name = Annotated[str | None, Field(max_length=64), AfterValidator(lambda text: text and _is_text(text))]


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
    job: str | None = Field(description="the first job that learned from it with this label", examples=[_JOB])
    giver: str | None = Field(
        description="who gave the label: `key:` and a key's id, `local` on this machine, or `addr:` and a keyed hash "
        "of a network; null where an earlier release took it",
        examples=["addr:3b0c44298fc1c149afbf4c8996fb9242"],
    )
    held: str | None = Field(
        description="why no job learns it until a person has looked: `contradicts`, `alike`, `mark` or `rejected`",
        examples=[None, "rejected"],
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
    first_id: str | None = Field(examples=[_ID])
    last_id: str | None = Field(examples=[_ID])
    has_more: bool


class FeedbackSummary(BaseModel):
    """How many corrections a model has."""

    object: Literal["feedback.summary"] = "feedback.summary"
    model: str = Field(examples=["digits"])
    total: int = Field(examples=[30])
    per_label: dict[str, int] = Field(examples=[{"1": 12, "7": 18}])
    waiting: int = Field(description="from which no job has learned yet; without those that are held", examples=[12])
    held: int = Field(description="held back until a person has looked at them: `GET /v1/feedback/held`", examples=[0])
    job_after: int | None = Field(
        description="so many that wait start a job by themselves; null where none does", examples=[20]
    )


class FeedbackDeleted(BaseModel):
    """The answer to a deletion."""

    id: str = Field(examples=[_ID])
    object: Literal["feedback"] = "feedback"
    deleted: bool = True


class FeedbackRemoved(BaseModel):
    """The answer to a deletion of many."""

    object: Literal["feedback.removed"] = "feedback.removed"
    removed: int = Field(description="how many there were", examples=[212])


class HeldPicture(BaseModel):
    """One correction on the sheet of those that are held back."""

    id: str = Field(examples=[_ID])
    label: str = Field(description="what somebody says that it shows", examples=["1"])
    read_as: str | None = Field(description="what a version read", examples=["7"])
    changed_at: int = Field(description="when the label was given; Unix time", examples=[1790000000])
    thumbnail: str | None = Field(
        description="a PNG of at most 96 pixels a side as a data: URL; null where it was deleted this moment",
        examples=["data:image/png;base64,iVBORw0KGgo…"],
    )


class HeldGroup(BaseModel):
    """Corrections of one giver that one job held back for one reason."""

    id: str = Field(examples=[_GROUP])
    object: Literal["feedback.held"] = "feedback.held"
    model: str = Field(examples=["digits"])
    reason: str = Field(
        description="`contradicts`: more than a third of this giver's contradict readings that the base is sure of; "
        "`alike`: they look like each other; `mark`: the pictures of one label share a mark; `rejected`: the version "
        "that learned them was rejected",
        examples=["rejected"],
    )
    job: str | None = Field(description="that held them back", examples=[_JOB])
    giver: str | None = Field(description="who gave them", examples=["addr:3b0c44298fc1c149afbf4c8996fb9242"])
    in_common: str | None = Field(
        description="what they have in common, in a sentence",
        examples=["The gate rejected digits@2, which had learned them"],
    )
    held_at: int = Field(description="when the last of them was; Unix time", examples=[1790000000])
    count: int = Field(examples=[200])
    labels: dict[str, int] = Field(description="how many of each label", examples=[{"1": 200}])
    pictures: list[HeldPicture] = Field(description="the first of them; the list of corrections has all")


class HeldList(BaseModel):
    """A page of groups, those of the newest job first. The next one begins behind `last_id`."""

    object: Literal["list"] = "list"
    data: list[HeldGroup]
    first_id: str | None = Field(examples=[_GROUP])
    last_id: str | None = Field(examples=[_GROUP])
    has_more: bool
    as_of: str = Field(description="when it was so, for a decision about it; Unix time", examples=["1790000000.250000"])


class HeldChoice(BaseModel):
    """Which of those that are held back are meant: all that is said holds for each of them. Null means none."""

    model_config = ConfigDict(strict=True, extra="forbid")

    group: str | None = Field(None, pattern=r"^hg-[0-9a-f]{24}$", description="a group's id", examples=[_GROUP])
    ids: list[Annotated[str, Field(pattern=r"^fb-[0-9a-f]{24}$")]] | None = Field(
        None, min_length=1, max_length=1000, description="ids of corrections", examples=[[_ID]]
    )
    model: _Name = Field(None, examples=["digits"])
    reason: _Name = Field(None, examples=["rejected"])
    job: _Name = Field(None, description="that held them back: all of one job at once", examples=[_JOB])
    giver: _Name = Field(None, description="who gave them; null: of whom nobody knows", examples=["key:0a1b2c3d"])
    as_of: str | None = Field(
        None, pattern=r"^[0-9]{1,12}\.[0-9]{6}$", examples=["1790000000.250000"],
        description="what the sheet said: a label that was given later was not seen, and is left as it is",
    )  # fmt: skip


class HeldReleased(BaseModel):
    """The answer to a release."""

    object: Literal["feedback.released"] = "feedback.released"
    released: int = Field(description="how many the next job will learn", examples=[200])


class FeedbackLearner(BaseModel):
    """A version that has learned a correction."""

    version: str = Field(examples=["digits@2"])
    job: str | None = Field(
        description="that taught it; null where it descends from one that was taught", examples=[_JOB]
    )
    exists: bool = Field(description="whether it is still in the store", examples=[True])


class FeedbackVersions(BaseModel):
    """Which versions have learned a correction, also one that is deleted."""

    id: str = Field(examples=[_ID])
    object: Literal["feedback.versions"] = "feedback.versions"
    model: str = Field(examples=["digits"])
    deleted: bool = Field(description="whether the correction is")
    versions: list[FeedbackLearner]
    without: str | None = Field(
        description="the newest accepted version of the model that has not learned it: a job from it, with `feedback`, "
        "learns all others anew; null where there is none",
        examples=["digits@1"],
    )
