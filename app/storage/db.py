"""Database: one SQLite file or one PostgreSQL server, brought to this release's schema on first use.

A store writes `with database.writing() as connection` and everything in the block happens or nothing does.
"""

import contextlib
import errno
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import URL, Connection, Engine, Float, MetaData, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from app.errors import AppError, DatabaseUnavailable, StorageFull

HEAD = "0003"  # the newest script in app/storage/migrations/versions
SCRIPTS = Path(__file__).parent / "migrations"
WAIT_SECONDS = 5.0  # for a lock, for a connection, for an answer

metadata = MetaData()
_MIGRATING = 0x64696769  # the advisory lock's number: any, but always the same
_DISK_FULL, _NOT_ALLOWED = "53100", "42501"
# a quota is no full disk to SQLite but a failed write
_SQLITE_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)
_SQLITE_UNUSABLE = (
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT,
)  # fmt: skip
_log = structlog.get_logger("digitserve.database")


class now(FunctionElement[float]):  # noqa: N801 (reads like SQL's other functions)
    """The database's clock as Unix seconds: the only clock that all processes share."""

    type = Float()
    inherit_cache = True


@compiles(now, "sqlite")
def _sqlite_now(*_: Any, **__: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _postgresql_now(*_: Any, **__: Any) -> str:
    return "extract(epoch from clock_timestamp())::double precision"


class Database:
    """Opens nothing until it is asked; may be used from any thread."""

    def __init__(self, url: str, wait_seconds: float = WAIT_SECONDS) -> None:
        """`url` is SQLAlchemy's: `sqlite:////folder/file.db` or `postgresql://user@host/name`.

        Nobody waits longer than `wait_seconds` for a lock, a connection or an answer.
        """
        found = make_url(url)
        is_server = found.get_backend_name() in ("postgresql", "postgres")
        self._engine = _postgresql(found, wait_seconds) if is_server else _sqlite(found, wait_seconds)
        self._wait_seconds = wait_seconds
        self._ready = False
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """One snapshot on SQLite; on PostgreSQL each statement sees what is committed. Raises DatabaseUnavailable."""
        with _refusals(), self._migrated().connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is committed at the end of the block. Raises DatabaseUnavailable, StorageFull."""
        with _refusals(), self._migrated().connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Lets go of every connection."""
        self._engine.dispose()

    def _migrated(self) -> Engine:
        if not self._ready:
            if not self._lock.acquire(timeout=self._wait_seconds):  # another thread waits for the database already
                raise _unavailable()
            try:
                if not self._ready:
                    _migrate(self._engine)
                    self._ready = True
            finally:
                self._lock.release()
        return self._engine


def _migrate(engine: Engine) -> None:
    """Runs the scripts that are missing, in one transaction; processes that start together wait for the first."""
    _make_room(engine.url)
    with engine.connect() as connection:
        if _revision(connection) == HEAD:
            return
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _MIGRATING})
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if _revision(connection) not in {None, *known}:
            raise DatabaseUnavailable(
                "database_too_new",
                "The database was made by a newer release. Start that release, or name another database.",
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _make_room(url: URL) -> None:
    if url.get_backend_name() != "sqlite" or not url.database:
        return
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _log.error("database_refused", why=error.strerror)
        raise (_full() if error.errno in (errno.ENOSPC, errno.EDQUOT) else _unusable()) from error


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _sqlite(url: URL, wait_seconds: float) -> Engine:
    engine = create_engine(url, connect_args={"timeout": wait_seconds}, pool_timeout=wait_seconds)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # the driver begins no transaction by itself: `begin` below does
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # a reader that wants to write later can't wait for its turn, so writers say so at once
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


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
def _refusals() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:  # every connection is in use
        raise _unavailable() from error
    except DBAPIError as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        _log.error("database_refused", why=str(error.orig))
        raise refusal from error


def _refusal(error: DBAPIError) -> AppError | None:
    """None for what a statement did wrong: a bug of ours, or a constraint that a store wants to know of."""
    lite = getattr(error.orig, "sqlite_errorcode", None)  # https://www.sqlite.org/rescode.html
    state = getattr(error.orig, "sqlstate", None)  # https://www.postgresql.org/docs/current/errcodes-appendix.html
    if state == _DISK_FULL or lite in _SQLITE_FULL:
        return _full()
    if state == _NOT_ALLOWED or (lite is not None and lite & 0xFF in _SQLITE_UNUSABLE):
        return _unusable()
    if error.connection_invalidated:
        return _unavailable()
    is_ours = isinstance(error, (DataError, IntegrityError, ProgrammingError)) or lite == sqlite3.SQLITE_ERROR
    return None if is_ours else _unavailable()


def _unavailable() -> DatabaseUnavailable:
    return DatabaseUnavailable(
        "database_unavailable", "The database does not answer. Repeat the request in a few seconds."
    )


def _unusable() -> DatabaseUnavailable:
    return DatabaseUnavailable(
        "database_unusable", "The database can't be used as it is. Ask the operator to look into the service's log."
    )


def _full() -> StorageFull:
    return StorageFull("storage_full", "The disk of the database is full. Free some space and repeat the request.")
