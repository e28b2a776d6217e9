"""Trail: writes the audit log.

What is true because of a row gets its entry in the transaction of that row (`write`): both are there, or neither. What
is done to files is announced before and concluded after (`Trail.around`): a crash between is seen by an entry that
nothing concludes.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from sqlalchemy import Connection, func, insert, select

from app.errors import NOTHING_LASTS, AppError
from app.storage import pseudonyms
from app.storage.audit import chain
from app.storage.audit.acting import acting
from app.storage.audit.record import ActOutcome, Details, LoggedAct, What
from app.storage.audit.tables import audit
from app.storage.db import Database, now
from models_store.errors import StoreError

_ONE_AT_A_TIME = 0x61756474  # the advisory lock's number: any, but always the same

_log = structlog.get_logger("digitserve.audit")


def write(
    connection: Connection,
    what: What,
    target: str | None = None,
    details: Details | None = None,
    *,
    outcome: ActOutcome = ActOutcome.DONE,
    refers_to: int | None = None,
) -> int:
    """Adds an entry of whoever acts now, in the caller's transaction; returns its number.

    To be called last in it: on PostgreSQL all writers of entries wait here for each other until its end.
    """
    alone(connection)
    newest = select(audit.c.number, audit.c.digest).order_by(audit.c.number.desc()).limit(1)
    last = connection.execute(newest).one_or_none()
    actor = acting()
    who = actor.who
    if actor.network is not None:
        who = pseudonyms.of_network(actor.network, pseudonyms.secret(connection))
    entry = LoggedAct(
        number=1 if last is None else last.number + 1,
        at=float(connection.execute(select(now())).scalar_one()),
        who=who,
        what=str(what),
        target=target,
        outcome=str(outcome),
        request_id=actor.request_id,
        refers_to=refers_to,
        details=chain.as_text({**actor.because, **(details or {})}),
        digest="",
    )
    values = {name: getattr(entry, name) for name in LoggedAct.__dataclass_fields__}
    values["digest"] = chain.digest(chain.FIRST if last is None else last.digest, entry)
    connection.execute(insert(audit).values(values))
    return entry.number


def alone(connection: Connection) -> None:
    """Until the end of the transaction nobody else adds an entry."""
    if connection.dialect.name == "postgresql":  # SQLite lets one write at a time
        connection.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))


def _say_unwritten(**facts: Any) -> None:
    _log.error("audit_not_written", **facts)


class Trail:
    """Entries of what is no row of the database. Where it can't be written the act goes on: a rollback must work while
    the database is down. Then the log says `audit_not_written` with all that the entry would say."""

    def __init__(self, database: Database, unwritten: Callable[..., object] = _say_unwritten) -> None:
        """`unwritten` is told the facts of an entry that can't be written."""
        self._database = database
        self._unwritten = unwritten

    def say(
        self,
        what: What,
        target: str | None = None,
        details: Details | None = None,
        *,
        outcome: ActOutcome = ActOutcome.DONE,
        refers_to: int | None = None,
    ) -> int | None:
        """Adds an entry in a transaction of its own; None where it can't be written now. It blocks."""

        def said(connection: Connection) -> int:
            return write(connection, what, target, details, outcome=outcome, refers_to=refers_to)

        try:
            return self._database.making_room(said)
        except NOTHING_LASTS as refusal:
            self._tell(what, target, details, outcome, refusal, refers_to)
            return None

    @contextlib.contextmanager
    def around(self, what: What, target: str | None = None, details: Details | None = None) -> Iterator[dict[str, Any]]:
        """Announces what the block does to files, and says after it how it ended. What the block puts into the
        dictionary becomes the conclusion's details, `outcome` among it the outcome. No transaction of the caller may be
        open: SQLite has one writer."""
        begun = self.say(what, target, details, outcome=ActOutcome.BEGUN)
        said, found = dict(details or {}), dict[str, Any]()
        try:
            yield found
        except (StoreError, AppError) as refusal:
            self._conclude(begun, what, target, {**said, "why": type(refusal).__name__}, ActOutcome.REFUSED)
            raise
        except Exception as error:
            self._conclude(begun, what, target, {**said, "why": type(error).__name__}, ActOutcome.FAILED)
            raise
        outcome = found.pop("outcome", ActOutcome.DONE)
        self._conclude(begun, what, target, {**said, **found}, outcome)

    def _conclude(
        self, begun: int | None, what: What, target: str | None, details: Details, outcome: ActOutcome
    ) -> None:
        if begun is None:  # whoever waited once for the database does not wait again
            self._tell(what, target, details, outcome, None)
        else:
            self.say(what, target, details, outcome=outcome, refers_to=begun)

    def _tell(
        self,
        what: What,
        target: str | None,
        details: Details | None,
        outcome: ActOutcome,
        refusal: AppError | None,
        refers_to: int | None = None,
    ) -> None:
        actor = acting()
        # of an address nothing is said: who it was, the database alone can tell
        facts = {
            "what": str(what), "target": target, "outcome": str(outcome), "who": actor.who or "an address",
            "request_id": actor.request_id, "refers_to": refers_to, **actor.because, "details": dict(details or {}),
            "why": None if refusal is None else refusal.code,
        }  # fmt: skip
        self._unwritten(**{name: value for name, value in facts.items() if value not in (None, {})})
