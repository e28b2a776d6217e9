"""The table of keys."""

from sqlalchemy import Column, Float, String, Table, Text

from app.storage.db import metadata

keys = Table(
    "keys",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("name", Text, nullable=False),  # what people call it
    Column("sha256", String(64), nullable=False),  # of the whole key, which is kept nowhere
    Column("scopes", Text, nullable=False),  # with a space between them
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("last_used_at", Float),
    Column("revoked_at", Float),
)
