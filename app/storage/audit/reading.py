"""AuditLog: reads the audit log, checks its chain, and lets old entries go, which is an entry too."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Row, select

from app.storage.audit import chain
from app.storage.audit.record import ActOutcome, LoggedAct, What
from app.storage.audit.tables import audit
from app.storage.audit.trail import write
from app.storage.db import Database

_AT_ONCE = 1000  # entries in memory


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which entries: those that are all of it."""

    since: float | None = None  # Unix seconds
    until: float | None = None  # not itself
    what: Collection[str] = ()  # one of these words
    who: str | None = None  # one name, or with a colon at its end all of a kind: `key:`
    target: str | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """As a statement has them."""
        if self.since is not None:
            yield audit.c.at >= self.since
        if self.until is not None:
            yield audit.c.at < self.until
        if self.what:
            yield audit.c.what.in_(self.what)
        if self.who is not None:
            is_kind = self.who.endswith(":")
            yield audit.c.who.startswith(self.who, autoescape=True) if is_kind else audit.c.who == self.who
        if self.target is not None:
            yield audit.c.target == self.target


@dataclass(frozen=True)
class Listed:
    """One entry, and whether it is an announcement that nothing concludes: then nobody knows how the act ended."""

    entry: LoggedAct
    is_open: bool


@dataclass(frozen=True)
class ChainFound:
    """What a check of the chain found: the last entry, and the first one that is not what was written."""

    count: int
    number: int  # of the last entry; 0: there is none
    digest: str
    broken: int | None = None  # the number of an entry
    is_expected: bool = True  # whether the digest that somebody noted elsewhere is there


class AuditLog:
    """The entries of one database. Every method may raise DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, limit: int, after: int | None = None, wanted: Wanted = Wanted()) -> tuple[Sequence[Listed], bool]:
        """The newest first, those before the entry `after`; and whether there are more. Makes no database."""
        query = select(audit).where(*wanted.conditions()).order_by(audit.c.number.desc()).limit(limit + 1)
        query = query if after is None else query.where(audit.c.number < after)
        with self._database.looking(audit.name) as connection:
            if connection is None:
                return [], False
            found = [_to_entry(row) for row in connection.execute(query)]
            begun = [one.number for one in found if one.outcome == ActOutcome.BEGUN]
            over = set(connection.execute(select(audit.c.refers_to).where(audit.c.refers_to.in_(begun))).scalars())
        listed = [Listed(one, one.outcome == ActOutcome.BEGUN and one.number not in over) for one in found]
        return listed[:limit], len(found) > limit

    def check(self, number: int | None = None, digest: str | None = None) -> ChainFound:
        """Whether each entry is as it was written, and in its place; of `number`, whether its digest is `digest`."""
        with self._database.looking(audit.name) as connection:
            return ChainFound(0, 0, chain.FIRST) if connection is None else _checked(connection, number, digest)

    def trim(self, before: float) -> int:
        """Deletes the entries that are older than `before` (Unix seconds), after an entry that says so; returns how
        many there were. Those behind one that is younger stay: the clock may have been set. Raises one of
        NOTHING_LASTS."""

        def trimmed(connection: Connection) -> int:
            younger = select(audit.c.number).where(audit.c.at >= before).order_by(audit.c.number).limit(1)
            first = connection.execute(younger).scalar()
            old = audit.c.number < first if first is not None else audit.c.at < before
            last = select(audit).where(old).order_by(audit.c.number.desc()).limit(1)
            row = connection.execute(last).one_or_none()
            if row is None:
                return 0
            count = len(connection.execute(select(audit.c.number).where(audit.c.number <= row.number)).all())
            details = {"count": count, "last_digest": row.digest}
            write(connection, What.AUDIT_TRIMMED, None, details, refers_to=row.number)
            connection.execute(audit.delete().where(audit.c.number <= row.number))
            return count

        return self._database.making_room(trimmed)


def _checked(connection: Connection, number: int | None, digest: str | None) -> ChainFound:
    count, last, previous = 0, 0, _before_the_first(connection)
    is_expected = number is None
    while True:
        query = select(audit).where(audit.c.number > last).order_by(audit.c.number).limit(_AT_ONCE)
        rows = connection.execute(query).all()
        if not rows:
            return ChainFound(count, last, previous or chain.FIRST, None, is_expected)
        for row in rows:
            entry = _to_entry(row)
            follows = entry.number == last + 1 or count == 0
            if not follows or previous is None or chain.digest(previous, entry) != entry.digest:
                return ChainFound(count, last, previous or chain.FIRST, entry.number, is_expected)
            count, last, previous = count + 1, entry.number, entry.digest
            is_expected = is_expected or (entry.number == number and entry.digest == digest)


def _before_the_first(connection: Connection) -> str | None:
    """The digest that the first entry stands on; None where entries are missing that nobody said were deleted."""
    first = connection.execute(select(audit.c.number).order_by(audit.c.number).limit(1)).scalar()
    if first in (None, 1):
        return chain.FIRST
    trims = select(audit.c.details).where(audit.c.what == What.AUDIT_TRIMMED, audit.c.refers_to == first - 1)
    details = connection.execute(trims.limit(1)).scalar()
    return None if details is None else chain.last_digest(details)


def _to_entry(row: Row[tuple[object, ...]]) -> LoggedAct:
    return LoggedAct(**row._mapping)
