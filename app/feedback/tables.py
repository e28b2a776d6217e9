"""The tables of corrections, of who learned them, and one correction as a frozen record."""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Float, Index, Integer, Row, String, Table, Text, func

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
    Column("giver", String(64)),
    Column("held", String(32)),
    Column("held_at", Float),
    Column("held_by", String(40)),
    Column("held_group", Text),
    Column("released_at", Float),
    Index("feedback_by_pixels", "model", "sha256", unique=True),
    Index("feedback_by_time", "created_at", "id"),
    Index("feedback_by_giver", "giver", "created_at"),
)
# What jobs were given to learn. Rows stay when the correction is deleted: an id says nothing of anybody.
lessons = Table(
    "lessons",
    metadata,
    Column("correction", String(40), primary_key=True),
    Column("job", String(40), primary_key=True),
    Column("model", Text, nullable=False),
    Column("as_of", Float, nullable=False),  # labels that were given later, it has not learned
    Index("lessons_by_job", "job"),
)
# The versions that jobs made. A row stays when its version is deleted: others descend from it.
lineage = Table(
    "lineage",
    metadata,
    Column("job", String(40), primary_key=True),
    Column("version", Text, nullable=False),
    Column("parent", Text, nullable=False),
    Column("accepted", Integer, nullable=False),
    Index("lineage_by_version", "version"),
)
# Since when a label stands: since it was given, or since a person said that it is right.
standing = func.coalesce(feedback.c.released_at, feedback.c.changed_at)


_ID = re.compile(r"fb-[0-9a-f]{24}")


def is_id(text: str) -> bool:
    """Whether a correction can be called that; PostgreSQL refuses some other texts."""
    return _ID.fullmatch(text) is not None


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
    giver: str | None = None  # who gave its label: see app.feedback.givers; an earlier release did not ask
    held: str | None = None  # why no job learns from it until a person has looked
    held_at: float | None = None
    held_by: str | None = None  # the job that held it back
    held_group: str | None = None  # what it has in common with others that are held
    released_at: float | None = None  # when a person who looked at it let it go


@dataclass(frozen=True)
class Settled:
    """What became of a correction that somebody gave."""

    correction: Correction
    is_new: bool
    replaced: str | None = None  # the label that the picture had until now


def to_correction(row: Row[Any]) -> Correction:
    """The record of a row."""
    return Correction(**row._mapping)
