"""Starts a PostgreSQL server of the tests' own, and hands out empty databases of it."""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

from tests.support.patience import PATIENCE_SECONDS, wait_until

_SETTINGS = {
    "listen_addresses": "",  # only the socket in our own folder
    "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off",  # nothing here outlives the tests
    "max_connections": "200", "shared_buffers": "16MB", "lc_messages": "C",
}  # fmt: skip
_PR_SET_PDEATHSIG = 1
_EMPTIED = """
DO $$ BEGIN
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
  PERFORM set_config('session_replication_role', 'replica', true);  -- the audit log's rows are guarded
  EXECUTE (SELECT 'TRUNCATE ' || string_agg(quote_ident(tablename), ', ') || ' RESTART IDENTITY CASCADE'
    FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'identity'));
END $$
"""


class Postgres:
    """A server in a folder of its own, as another user where we are root. Use `started()`."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._user = _other_user() if os.geteuid() == 0 else None
        self._numbers = count(1)
        self._server: subprocess.Popen[bytes] | None = None
        if self._user is not None:
            shutil.chown(folder, self._user)
        self._run("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")

    def start(self) -> None:
        """Returns when the server answers. It dies with the thread that calls this."""
        settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [self._programs / "postgres", "-D", "data", "-k", str(self._folder), *settings],
                cwd=self._folder, user=self._user, stdout=log, stderr=log, preexec_fn=_die_with_parent,
            )  # fmt: skip
        wait_until(self._answers, self._said)

    def stop(self) -> None:
        """As an operator does: connections are cut, everything is written."""
        assert self._server is not None
        self._server.send_signal(signal.SIGINT)
        self._server.wait(PATIENCE_SECONDS)

    def url(self, database: str, driver: str = "postgresql") -> str:
        """SQLAlchemy's URL of a database of this server."""
        return f"{driver}://postgres@/{database}?host={self._folder}"

    def run(self, statement: str, database: str = "postgres") -> None:
        """One statement, outside of any transaction."""
        with psycopg.connect(f"host={self._folder} user=postgres dbname={database}", autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """The name of a new database, which goes at the end."""
        name = f"test{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield name
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def emptied(self, database: str) -> None:
        """Ends what is connected to a database and takes every row out of it that was not made with its tables: that
        costs a quarter of another database. Only for whoever leaves the tables as they were made."""
        self.run(_EMPTIED, database)

    def _answers(self) -> bool:
        try:
            self.run("SELECT 1")
            return True
        except psycopg.OperationalError:
            assert self._server is not None and self._server.poll() is None, self._said()
            return False

    def _said(self) -> str:
        return (self._folder / "log").read_text()[-2000:]

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        subprocess.run(command, cwd=self._folder, user=self._user, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def started(programs: Path) -> Iterator[Postgres]:
    """A running server, stopped at the end."""
    folder = Path(tempfile.mkdtemp(prefix="digitserve-postgres-"))  # pytest's own folders are closed to other users
    try:
        server = Postgres(programs, folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def programs() -> Path | None:
    """The folder of PostgreSQL's newest programs on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("postgres")
    if found:
        return found[-1].parent
    return Path(on_path).resolve().parent if on_path else None


def _other_user() -> int:
    """PostgreSQL refuses to run as root."""
    names = {user.pw_name: user.pw_uid for user in pwd.getpwall()}
    return names.get("postgres", names["nobody"])


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
