"""SQLAlchemy's engines for the two databases, set so that nobody waits for long; and what those databases refuse."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.errors import AppError
from app.storage import private, refusals
from models_store import durable

_READ_ONLY = "read_only"  # of a connection
_DISK_FULL, _NOT_ALLOWED = "53100", "42501"
# a quota is no full disk to SQLite but a failed write
_SQLITE_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)
_SQLITE_UNUSABLE = (
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT,
)  # fmt: skip
_log = structlog.get_logger("digitserve.database")


def engine(url: URL, wait_seconds: float) -> Engine:
    """Opens nothing yet. Nobody waits longer than `wait_seconds` for a lock, a connection or an answer."""
    is_server = url.get_backend_name() in ("postgresql", "postgres")
    return _postgresql(url, wait_seconds) if is_server else _sqlite(url, wait_seconds)


def _sqlite(url: URL, wait_seconds: float) -> Engine:
    made = create_engine(url, connect_args={"timeout": wait_seconds}, pool_timeout=wait_seconds, hide_parameters=True)

    @event.listens_for(made, "do_connect")
    def connect(_: object, record: Any, __: object, options: Any) -> sqlite3.Connection | None:
        file = Path(str(url.database))
        record.info[_READ_ONLY] = is_read_only(url) and os.access(file, os.F_OK)
        if not record.info[_READ_ONLY]:
            _make(url)
            return None  # as usual
        # No journal can be made there. Where there is none, nobody writes, and SQLite may be told so.
        mode = "mode=ro" if file.with_name(f"{file.name}-wal").exists() else "immutable=1"
        opened: sqlite3.Connection = sqlite3.connect(f"{file.absolute().as_uri()}?{mode}", uri=True, **options)
        return opened

    @event.listens_for(made, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver begins no transaction by itself: `begin` below does
        # what is deleted is overwritten: rows have a sketch of a picture and digests of its pixels
        pragmas = ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")
        for pragma in pragmas if record.info[_READ_ONLY] else ("journal_mode=WAL", *pragmas):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(made, "checkin")
    def forget(_: object, record: Any) -> None:
        if record.info.get(_READ_ONLY):  # the next one looks again whether it may write, and whether somebody does
            record.invalidate(soft=True)

    @event.listens_for(made, "begin")
    def begin(connection: Connection) -> None:
        # a reader that wants to write later can't wait for its turn, so writers say so at once
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return made


def _postgresql(url: URL, wait_seconds: float) -> Engine:
    seconds, milliseconds = max(1, round(wait_seconds)), round(1000 * wait_seconds)
    settings = {
        "statement_timeout": milliseconds,
        "lock_timeout": milliseconds,
        "idle_in_transaction_session_timeout": milliseconds,  # a stopped process keeps nobody from its rows
        "timezone": "utc",
    }
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        pool_timeout=wait_seconds,
        hide_parameters=True,  # they are what clients sent, and errors end in the log
        connect_args={
            "connect_timeout": seconds,
            "options": f"{options} {url.query.get('options', '')}",
            # a server that is cut off answers nothing, not even no: neither to a request, nor while one waits
            "tcp_user_timeout": milliseconds,
            "keepalives_idle": seconds,
            "keepalives_interval": 1,
        },
    )


@contextlib.contextmanager
def refusing(url: URL) -> Iterator[None]:
    """Raises DatabaseUnavailable, StateReadOnly, StorageFull for what the database at `url` refuses in the block.

    Causes go into the log, never into an answer.
    """
    try:
        yield
    except PoolTimeout as error:  # every connection is in use
        raise refusals.unavailable() from error
    except DBAPIError as error:
        refusal = _refusal(error, url)
        if refusal is None:
            raise
        _log.error("database_refused", why=str(error.orig).partition("\n")[0])  # the next line has what was sent
        raise refusal from error


def is_read_only(url: URL) -> bool:
    """Whether it is a file that may not be written, or a journal beside it."""
    if not is_file(url):
        return False
    file = Path(str(url.database))
    if not os.access(file.parent, os.F_OK):  # unlike Path.exists, it never raises: whoever may not look in finds none
        return False
    return not os.access(file.parent, os.W_OK) or (os.access(file, os.F_OK) and not os.access(file, os.W_OK))


def _make(url: URL) -> None:
    """Makes SQLite's file, for its owner alone; the journal beside it gets the same mode. Whoever can't leaves it to
    SQLite, which says why."""
    if is_file(url):
        with contextlib.suppress(OSError):
            private.touch(Path(str(url.database)))


def is_file(url: URL) -> bool:
    """Whether it is SQLite's, in a file whose name can be told: a query may say where it lies."""
    return url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:") and not url.query


def _is_out_of_descriptors() -> bool:
    """SQLite says no more than that it can't open a file."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in durable.BUSY
    return False


def _is_out_of_names(url: URL) -> bool:
    """A disk may have no room for another file, however short it is."""
    if not is_file(url):
        return False
    try:
        disk = os.statvfs(Path(str(url.database)).parent)
    except OSError:
        return False
    return disk.f_files > 0 and disk.f_favail == 0


def _refusal(error: DBAPIError, url: URL) -> AppError | None:
    """None for what a statement did wrong: a bug of ours, or a constraint that a store wants to know of."""
    lite = getattr(error.orig, "sqlite_errorcode", None)  # https://www.sqlite.org/rescode.html
    state = getattr(error.orig, "sqlstate", None)  # https://www.postgresql.org/docs/current/errcodes-appendix.html
    cannot_write = lite in _SQLITE_FULL or (lite is not None and lite & 0xFF in _SQLITE_UNUSABLE)
    if cannot_write and lite not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT) and is_read_only(url):
        return refusals.read_only()
    if cannot_write and _is_out_of_descriptors():
        return refusals.busy()
    if state == _DISK_FULL or lite in _SQLITE_FULL or (cannot_write and _is_out_of_names(url)):
        return refusals.full("of the database")
    if state == _NOT_ALLOWED or cannot_write:
        return refusals.unusable()
    if error.connection_invalidated:
        return refusals.unavailable()
    if isinstance(error, (DataError, IntegrityError)):
        return None
    if isinstance(error, ProgrammingError) or lite == sqlite3.SQLITE_ERROR:
        # ours, unless it comes before any statement: then the URL asks for what the driver does not know
        return refusals.unusable() if error.statement is None and state is None else None
    return refusals.unavailable()
