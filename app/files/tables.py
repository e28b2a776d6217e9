"""The table of uploaded data sets."""

from sqlalchemy import JSON, Column, Float, Integer, String, Table, Text

from app.storage.db import metadata

files = Table(
    "files",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("filename", Text, nullable=False),  # what the client called it, to be shown; never a name on disk
    Column("purpose", String(40), nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("report", JSON, nullable=False),  # what its rows are worth: models_store.datasets.clean.Report
)
