"""Who gives a correction, as its row says it: `key:ID`, `local`, or `addr:` and a keyed hash of a network.

The address itself is kept nowhere. The hash tells two networks apart, within one database only.
"""

import hashlib
import hmac
import secrets as randomness

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.feedback.tables import secrets
from app.storage.db import Database
from app.web.access.visitor import Visitor

GIVER = r"^[!-~]{1,64}$"  # what one can be called; no other text reaches the database
LOCAL = "local"  # somebody on this machine itself, who could change its files as well
_NAME = "givers"
_CHARACTERS = 32  # of the hash, 128 bits


class Givers:
    """Names visitors. It blocks where it is asked for an address for the first time: call it from a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._secret: bytes | None = None

    def of(self, visitor: Visitor) -> str:
        """The name of whoever sent a request. Raises one of NOTHING_LASTS."""
        if visitor.key is not None:
            return f"key:{visitor.key}"
        if visitor.is_local:
            return LOCAL
        digest = hmac.new(self._known(), visitor.client.encode(), hashlib.sha256).hexdigest()
        return f"addr:{digest[:_CHARACTERS]}"

    def _known(self) -> bytes:
        if self._secret is None:
            with self._database.writing() as connection:
                self._secret = _made_once(connection)
        return self._secret


def _made_once(connection: Connection) -> bytes:
    """The database's secret; the first who asks makes it, for all processes."""
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    row = {"name": _NAME, "value": randomness.token_hex(32)}
    connection.execute(insert(secrets).values(row).on_conflict_do_nothing())
    return bytes.fromhex(connection.execute(select(secrets.c.value).where(secrets.c.name == _NAME)).scalar_one())
