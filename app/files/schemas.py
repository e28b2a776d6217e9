"""What clients see of uploaded data sets, in OpenAI's shapes."""

from typing import Any, Literal

from pydantic import BaseModel, Field

LISTED_LABELS = 100  # of each file in a list
_ID = "file-0a1b2c3d4e5f60718293a4b5"


class BadRow(BaseModel):
    """A row that was refused, or contradicts one before it."""

    where: str = Field(description="a name in the archive, or a line", examples=["7/scan.png"])
    code: str = Field(examples=["image_truncated"])
    why: str = Field(examples=["The picture is cut off. Send all of it."])


class PassedFiles(BaseModel):
    """Files that are no rows, for one reason."""

    count: int = Field(examples=[2])
    names: list[str] = Field(description="the first five", examples=[["__MACOSX/7/._scan.png", "7/.DS_Store"]])


class ListedReport(BaseModel):
    """What became of the rows: `rows` = `kept` + `duplicates` + `conflicting_labels` + all `refused`."""

    rows: int = Field(examples=[200])
    kept: int = Field(description="pictures to learn from, or to judge by", examples=[197])
    duplicates: int = Field(description="the same picture with the same label again", examples=[1])
    conflicting_labels: int = Field(description="pictures with two labels; no copy is kept", examples=[0])
    refused: dict[str, int] = Field(description="rows by the code of the reason", examples=[{"image_truncated": 2}])
    per_label: dict[str, int] = Field(
        description=f"pictures kept; in a list, of the first {LISTED_LABELS} labels", examples=[{"1": 98, "7": 99}]
    )
    input: dict[str, Any] = Field(
        description="what the pictures were prepared for: the default model's input",
        examples=[{"channels": 1, "height": 28, "width": 28}],
    )


class FileReport(ListedReport):
    """What became of the rows, with examples."""

    examples: list[BadRow] = Field(description="the first hundred that are bad")
    per_split: dict[str, dict[str, int]] = Field(
        default_factory=dict,
        description="`per_label` of each part, where the data set has parts: `train` is learned, `validation` judges, "
        "`test` is only looked at",
        examples=[{"train": {"1": 90, "7": 90}, "test": {"1": 8, "7": 9}}],
    )
    label_column: str | None = Field(
        None, description="of a table: which column was the label", examples=["column 1, called label"]
    )
    scale: str | None = Field(None, description="of a table with pixels: what they count to", examples=["0..255"])
    passed_over: dict[str, PassedFiles] = Field(
        default_factory=dict,
        description="files of an archive that are no rows, by the reason: `hidden`, `system`, `no_picture`, `unlisted`",
    )


class ListedFile(BaseModel):
    """One data set in a list: OpenAI's fields, then ours."""

    id: str = Field(examples=[_ID])
    object: Literal["file"] = "file"
    bytes: int = Field(examples=[118811])
    created_at: int = Field(description="Unix time", examples=[1790000000])
    filename: str = Field(description="what the client called it", examples=["digits.zip"])
    purpose: str = Field(examples=["fine-tune"])
    status: Literal["processed"] = "processed"
    sha256: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    report: ListedReport


class FileObject(ListedFile):
    """One data set: OpenAI's fields, then ours."""

    report: FileReport


class FileList(BaseModel):
    """A page of data sets. The next one begins behind `last_id`."""

    object: Literal["list"] = "list"
    data: list[ListedFile]
    first_id: str | None = Field(examples=[_ID])
    last_id: str | None = Field(examples=[_ID])
    has_more: bool


class FileDeleted(BaseModel):
    """OpenAI's answer to a deletion."""

    id: str = Field(examples=[_ID])
    object: Literal["file"] = "file"
    deleted: bool = True
