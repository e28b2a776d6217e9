"""Database: one SQLite file or one PostgreSQL server, brought to this release's schema on first use. It knows no table.

A store writes `with database.writing() as connection` and everything in the block happens or nothing does.
"""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Float, MetaData, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from app.errors import DatabaseUnavailable, StorageFull

HEAD = "0001"  # the newest script in app/migrations/versions
WAIT_SECONDS = 5  # for a lock, for a connection, for an answer

metadata = MetaData()
_MIGRATING = 0x64696769  # the advisory lock's number: any, but always the same
_FULL = ("disk is full", "disk I/O error", "No space left on device")


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

    def __init__(self, url: str) -> None:
        """`url` is SQLAlchemy's: `sqlite:////folder/file.db` or `postgresql+psycopg://user@host/name`."""
        self._engine = _postgresql(url) if make_url(url).get_backend_name() == "postgresql" else _sqlite(url)
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
        with _refusals(), self._migrated().connect() as connection:
            with connection.execution_options(writes=True).begin():
                yield connection

    def close(self) -> None:
        """Lets go of every connection."""
        self._engine.dispose()

    def _migrated(self) -> Engine:
        if not self._ready:
            with self._lock:
                if not self._ready:
                    _migrate(self._engine)
                    self._ready = True
        return self._engine


def _migrate(engine: Engine) -> None:
    """Runs the scripts that are missing, in one transaction; processes that start together wait for the first."""
    if _revision(engine) == HEAD:
        return
    from alembic import command
    from alembic.config import Config

    with engine.connect() as connection, connection.execution_options(writes=True).begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _MIGRATING})
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _sqlite(url: str) -> Engine:
    path = make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": WAIT_SECONDS}, pool_timeout=WAIT_SECONDS)

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


def _postgresql(url: str) -> Engine:
    milliseconds = 1000 * WAIT_SECONDS
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_timeout=WAIT_SECONDS,
        connect_args={
            "connect_timeout": WAIT_SECONDS,
            "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds} -c timezone=utc",
            "tcp_user_timeout": milliseconds,  # a server that is cut off answers nothing, not even no
        },
    )


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated or not _is_ours(error):
            if any(words in str(error.orig) for words in _FULL):
                raise StorageFull(
                    "storage_full", "The disk of the database is full. Free some space and repeat the request."
                ) from error
            raise _unavailable() from error
        raise
    except OSError as error:
        raise _unavailable() from error
    except SQLAlchemyError as error:
        if type(error).__name__ == "TimeoutError":  # every connection is in use
            raise _unavailable() from error
        raise


def _is_ours(error: DBAPIError) -> bool:
    """True for what a statement did wrong: a bug of ours, or a constraint that a store wants to know of."""
    from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

    return isinstance(error, (DataError, IntegrityError, ProgrammingError))


def _unavailable() -> DatabaseUnavailable:
    return DatabaseUnavailable(
        "database_unavailable", "The database does not answer. Repeat the request in a few seconds."
    )
