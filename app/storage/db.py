"""Database: one SQLite file or one PostgreSQL server, brought to this release's schema on first use.

A store writes `with database.writing() as connection` and everything in the block happens or nothing does.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from sqlalchemy import URL, Connection, Engine, Float, MetaData, inspect, make_url, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from app.errors import DatabaseUnavailable, StorageFull
from app.storage import engines, private, refusals
from models_store.store.ballast import Ballast

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0008"  # the newest script in app/storage/migrations/versions
SCRIPTS = Path(__file__).parent / "migrations"
WAIT_SECONDS = 5.0  # for a lock, for a connection, for an answer

metadata = MetaData()
T = TypeVar("T")
_MIGRATING = 0x64696769  # the advisory lock's number: any, but always the same
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

    def __init__(self, url: URL | str, wait_seconds: float = WAIT_SECONDS) -> None:
        """`url` is SQLAlchemy's: `sqlite:////folder/file.db` or `postgresql://user@host/name`.

        Nobody waits longer than `wait_seconds` for a lock, a connection or an answer.
        """
        self._url = make_url(url)
        self._engine = engines.engine(self._url, wait_seconds)
        self._wait_seconds = wait_seconds
        self._ready = False
        self._lock = threading.Lock()
        # a server's database has its disk to itself
        self.ballast = Ballast(Path(str(self._url.database)).parent) if engines.is_file(self._url) else None

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """One snapshot on SQLite; on PostgreSQL each statement sees what is committed. Raises DatabaseUnavailable."""
        with engines.refusing(self._url), self._relieved(lambda: self._migrated().connect()) as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is committed at the end of the block. Raises one of NOTHING_LASTS."""
        with engines.refusing(self._url):
            engine = self._relieved(self._migrated)
            if engines.is_read_only(self._url):
                raise refusals.read_only()
            with self._relieved(engine.connect).execution_options(writes=True) as connection, connection.begin():
                yield connection

    def making_room(self, operation: Callable[[Connection], T]) -> T:
        """What `operation` returns, done in a transaction; on a full disk once more, with the ballast let go of.

        For what must work on a full disk: deleting, and ending what writes. It does nothing but what is rolled back,
        because it may run twice. Raises one of NOTHING_LASTS.
        """

        def done() -> T:
            with self.writing() as connection:
                return operation(connection)

        return self._relieved(done)

    def _relieved(self, operation: Callable[[], T]) -> T:
        """Also to open it: beside its file SQLite makes others, and even reading would be refused on a full disk."""
        if self.ballast is None:
            return operation()

        def done() -> T:
            with engines.refusing(self._url):
                return operation()

        return self.ballast.relieve(done, StorageFull)

    def check(self) -> None:
        """Finds out whether this release can use it; makes and changes nothing. Raises DatabaseUnavailable."""
        if self._url.get_backend_name() == "sqlite" and not os.access(str(self._url.database), os.F_OK):
            return
        with engines.refusing(self._url), self._engine.connect() as connection:
            check_known(revision_of(connection))

    @contextlib.contextmanager
    def looking(self, table: str) -> Iterator[Connection | None]:
        """As `reading`, and makes and changes nothing: None where there is no database or no such table yet.

        Raises DatabaseUnavailable.
        """
        if self._is_missing():
            yield None
            return
        with engines.refusing(self._url), self._engine.connect() as connection:
            yield connection if inspect(connection).has_table(table) else None

    def _is_missing(self) -> bool:
        """Whether there is certainly no database: what may not be looked for may be there."""
        if not engines.is_file(self._url):
            return False
        try:
            Path(str(self._url.database)).stat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError as error:
            _log.error("database_refused", why=error.strerror)
            raise (refusals.of_system(error) or refusals.unusable()) from error
        return False

    def close(self) -> None:
        """Lets go of every connection."""
        self._engine.dispose()

    def _migrated(self) -> Engine:
        if not self._ready:
            if not self._lock.acquire(timeout=self._wait_seconds):  # another thread waits for the database already
                raise refusals.unavailable()
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
        if revision_of(connection) == HEAD:
            return
    if engines.is_read_only(engine.url):  # what is there can't be brought to this release
        raise refusals.read_only()
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        run_scripts(connection)


def run_scripts(connection: Connection, revision: str = "head") -> None:
    """Brings a database to a revision, in the connection's transaction and alone. Raises DatabaseUnavailable where a
    newer release made it."""
    from alembic import command

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _MIGRATING})
    check_known(revision_of(connection))
    config = _scripts()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def check_known(revision: str | None) -> None:
    """Raises DatabaseUnavailable for a revision that no script of ours makes."""
    if revision in (None, HEAD):
        return
    from alembic.script import ScriptDirectory

    if revision not in {script.revision for script in ScriptDirectory.from_config(_scripts()).walk_revisions()}:
        raise DatabaseUnavailable(
            "database_too_new",
            "The database was made by a newer release. Start that release, or name another database.",
        )


def _scripts() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return config


def _make_room(url: URL) -> None:
    if url.get_backend_name() != "sqlite" or not url.database:
        return
    try:
        private.folder(Path(url.database).parent)
    except OSError as error:
        _log.error("database_refused", why=error.strerror)
        raise (refusals.of_system(error) or refusals.unusable()) from error


def revision_of(connection: Connection) -> str | None:
    """The last script that was run; None where none was."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
