"""The table of the audit log. The database refuses to change a row, and to delete one before an entry says so
(migration 0008).
"""

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text

from app.storage.db import metadata

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("who", String(160), nullable=False),
    Column("what", String(40), nullable=False),
    Column("target", Text),
    Column("outcome", String(16), nullable=False),
    Column("request_id", String(64)),
    Column("refers_to", Integer),
    Column("details", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Index("audit_by_reference", "refers_to"),
)
