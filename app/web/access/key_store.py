"""The rows of keys: made and revoked by the command line, read by every process of the service."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, exists, insert, or_, select, update

from app.storage.audit import trail
from app.storage.audit.record import What
from app.storage.db import Database, now
from app.web.access import keys as forms
from app.web.access.keys import KeyRow
from app.web.access.tables import keys

USE_SECONDS = 60.0  # between two times that are kept of when a key was last used
_DAY = 86_400.0


@dataclass(frozen=True)
class UsableKey:
    """What a process needs to know of a key that counts."""

    id: str
    sha256: str
    scopes: frozenset[str]
    seconds_left: float | None  # from when it was read; None: for ever


@dataclass(frozen=True)
class KeysFound:
    """The keys of a database at one moment."""

    usable: Sequence[UsableKey] = ()
    ever_made: bool = False  # whether there was one at any time: rows of keys are never deleted
    is_there: bool = False  # whether there is a database at all


class KeyStore:
    """The keys of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, scopes: Collection[str], days: float | None = None) -> tuple[str, KeyRow]:
        """A new key, which can't be had again, and its row. Raises one of NOTHING_LASTS."""
        key = forms.new()
        values = {
            "id": forms.id_of(key),
            "name": name,
            "sha256": forms.digest(key),
            "scopes": " ".join(sorted(scopes)),
            "created_at": now(),
            "expires_at": None if days is None else now() + days * _DAY,
        }
        with self._database.writing() as connection:
            connection.execute(insert(keys).values(**values))
            (row,) = _rows(connection, keys.c.id == values["id"])
            details = {"name": name, "scopes": sorted(scopes), "days": days}
            trail.write(connection, What.KEY_CREATED, f"key:{row.id}", details)
        return key, row

    def all(self) -> list[KeyRow]:
        """Every key that was ever made, the oldest first. Raises DatabaseUnavailable."""
        with self._database.looking(keys.name) as connection:
            return [] if connection is None else _rows(connection)

    def revoke(self, key_id: str) -> KeyRow | None:
        """The key, which counts no longer; None where there is no such one. Raises one of NOTHING_LASTS."""

        def revoked(connection: Connection) -> KeyRow | None:
            mine = keys.c.id == key_id
            ends = update(keys).where(mine, keys.c.revoked_at.is_(None)).values(revoked_at=now())
            is_new = bool(connection.execute(ends).rowcount)
            row = next(iter(_rows(connection, mine)), None)
            if is_new:
                trail.write(connection, What.KEY_REVOKED, f"key:{key_id}")
            return row

        return self._database.making_room(revoked)

    def found(self) -> KeysFound:
        """The keys that count now. Makes no database where there is none. Raises DatabaseUnavailable, StateReadOnly."""
        with self._database.looking(keys.name) as connection:
            if connection is None:
                return KeysFound(is_there=False)
            query = select(keys.c.id, keys.c.sha256, keys.c.scopes, keys.c.expires_at - now()).where(_counts())
            usable = [
                UsableKey(key_id, sha256, frozenset(scopes.split()), left)
                for key_id, sha256, scopes, left in connection.execute(query)
            ]
            made = bool(usable) or bool(connection.execute(select(exists(select(keys.c.id)))).scalar())
            return KeysFound(usable, made, is_there=True)

    def mark_used(self, key_ids: Collection[str]) -> None:
        """Keeps that they were used now, unless that is known already. Raises one of NOTHING_LASTS."""
        long_ago = or_(keys.c.last_used_at.is_(None), keys.c.last_used_at < now() - USE_SECONDS)
        with self._database.writing() as connection:
            connection.execute(update(keys).where(keys.c.id.in_(key_ids), long_ago).values(last_used_at=now()))

    def close(self) -> None:
        """Lets go of the database."""
        self._database.close()


def _counts() -> ColumnElement[bool]:
    return and_(keys.c.revoked_at.is_(None), or_(keys.c.expires_at.is_(None), keys.c.expires_at > now()))


def _rows(connection: Connection, *which: ColumnElement[bool]) -> list[KeyRow]:
    columns = (keys.c[name] for name in KeyRow.__dataclass_fields__)
    query = select(*columns).where(*which).order_by(keys.c.created_at, keys.c.id)
    return [
        KeyRow(**{**row._mapping, "scopes": frozenset(row._mapping["scopes"].split())})
        for row in connection.execute(query)
    ]
