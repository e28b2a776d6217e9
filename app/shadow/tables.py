"""The tables of challengers in shadow: one row for each comparison, one for each picture that both read otherwise."""

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text, text

from app.storage.db import metadata

shadows = Table(
    "shadows",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("model", String(64), nullable=False),
    Column("champion", Integer, nullable=False),  # the version that serves when it begins
    Column("challenger", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("compared", Integer, nullable=False, server_default=text("0")),
    Column("differed", Integer, nullable=False, server_default=text("0")),
    Column("why", Text),
    Index("shadows_by_model", "model", "created_at"),
)
differences = Table(
    "differences",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("shadow", String(40), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("champion_label", Text, nullable=False),
    Column("challenger_label", Text, nullable=False),
    Column("champion_confidence", Float, nullable=False),
    Column("challenger_confidence", Float, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("label", Text),  # what a person says
    Column("labelled_at", Float),
    Index("differences_by_shadow", "shadow", "created_at"),
)
