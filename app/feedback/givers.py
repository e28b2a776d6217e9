"""Who gives a correction, as its row says it: `key:ID`, `local`, or `addr:` and a keyed hash of a network.

The address itself is kept nowhere. The hash tells two networks apart, within one database only.
"""

from app.storage import pseudonyms
from app.storage.db import Database
from app.web.access.visitor import Visitor

GIVER = r"^[!-~]{1,64}$"  # what one can be called; no other text reaches the database
LOCAL = "local"  # somebody on this machine itself, who could change its files as well


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
        return pseudonyms.of_network(visitor.client, self._known())

    def _known(self) -> bytes:
        if self._secret is None:
            with self._database.writing() as connection:
                self._secret = pseudonyms.secret(connection)
        return self._secret
