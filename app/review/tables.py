"""The table of uncertain pictures."""

from sqlalchemy import JSON, Column, Float, LargeBinary, String, Table, Text

from app.storage.db import metadata

review = Table(
    "review",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("model", String(80), nullable=False),  # the version that read it, as name@7
    Column("label", Text, nullable=False),  # what it read
    Column("confidence", Float, nullable=False),
    Column("probabilities", JSON, nullable=False),  # label -> probability, in the order of the version's labels
    Column("sketch", LargeBinary, nullable=False),  # app.review.choice.sketch
    Column("sha256", String(64), nullable=False, unique=True),  # of the pixels: the same picture is kept once
)
