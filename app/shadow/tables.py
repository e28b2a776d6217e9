"""The tables of challengers in shadow: one row for each comparison, one for each picture that both read otherwise."""

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text, UniqueConstraint, text

from app.storage.db import metadata

_ACTIVE = text("ended_at IS NULL")

shadows = Table(
    "shadows",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("model", String(64), nullable=False),
    Column("champion", Integer, nullable=False),  # the version that answers
    Column("challenger", Integer, nullable=False),  # the one that reads beside it
    Column("state", String(16), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("compared", Integer, nullable=False, server_default=text("0")),
    Column("differed", Integer, nullable=False, server_default=text("0")),
    Column("champion_right", Integer, nullable=False, server_default=text("0")),
    Column("challenger_right", Integer, nullable=False, server_default=text("0")),
    Column("neither_right", Integer, nullable=False, server_default=text("0")),
    Column("why", Text),  # how it came to be what it is: a sentence
    Index("shadows_by_model", "model", "created_at"),
    # a model has one challenger at a time, whoever writes it down first
    Index("shadows_active", "model", unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
)
differences = Table(
    "differences",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("shadow", String(40), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("rank", Float, nullable=False),  # drawn at random: the lowest are kept, and shown first
    Column("crowd", Integer, nullable=False),  # which of 64 crowds of clients sent it: each has its share
    Column("turned", Integer, nullable=False),  # 1: the challenger's label is shown first; drawn at random too
    Column("champion_label", Text, nullable=False),
    Column("challenger_label", Text, nullable=False),
    Column("champion_confidence", Float, nullable=False),
    Column("challenger_confidence", Float, nullable=False),
    Column("sha256", String(64), nullable=False),  # of the pixels: the same picture is asked about once
    Column("asked_at", Float),  # shown to a person: which ones come is settled then
    Column("label", Text),  # what a person says; its picture is gone then
    Column("labelled_at", Float),
    UniqueConstraint("shadow", "sha256"),
    Index("differences_by_rank", "shadow", "rank"),
)
