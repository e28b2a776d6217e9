"""Pseudonyms: networks by a keyed hash. The address itself is kept nowhere; the hash tells two networks apart, within
one database only.
"""

import hashlib
import hmac
import secrets as randomness

from sqlalchemy import Column, Connection, String, Table, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.storage.db import metadata

secrets = Table(
    "secrets",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", String(64), nullable=False),
)
_NAME = "givers"
_CHARACTERS = 32  # of the hash, 128 bits


def secret(connection: Connection) -> bytes:
    """The database's; the first who asks makes it, for all processes."""
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    row = {"name": _NAME, "value": randomness.token_hex(32)}
    connection.execute(insert(secrets).values(row).on_conflict_do_nothing())
    return bytes.fromhex(connection.execute(select(secrets.c.value).where(secrets.c.name == _NAME)).scalar_one())


def of_network(network: str, key: bytes) -> str:
    """`addr:` and a hash of a network, under the database's secret."""
    return f"addr:{hmac.new(key, network.encode(), hashlib.sha256).hexdigest()[:_CHARACTERS]}"
