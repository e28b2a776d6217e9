"""The table of corrections, and one of them as a frozen record."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Float, Index, Integer, Row, String, Table, Text

from app.storage.db import metadata

feedback = Table(
    "feedback",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("model", String(64), nullable=False),
    Column("label", Text, nullable=False),
    Column("read_by", Text),
    Column("read_as", Text),
    Column("sha256", String(64), nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("job", String(40)),
    Index("feedback_by_pixels", "model", "sha256", unique=True),
    Index("feedback_by_time", "created_at", "id"),
)


@dataclass(frozen=True, kw_only=True)
class Correction:
    """One picture and what it really shows. Times are Unix seconds of the database's clock."""

    id: str
    created_at: float
    changed_at: float  # when its label was last given
    model: str  # a name: every later version may learn from it
    label: str
    read_by: str | None  # the version that read it wrong
    read_as: str | None  # and as what
    sha256: str  # of the pixels, which a model has once
    bytes: int
    width: int
    height: int
    job: str | None  # the first one that learned from it with this label


@dataclass(frozen=True)
class Settled:
    """What became of a correction that somebody gave."""

    correction: Correction
    is_new: bool
    replaced: str | None = None  # the label that the picture had until now


def to_correction(row: Row[Any]) -> Correction:
    """The record of a row."""
    return Correction(**row._mapping)
