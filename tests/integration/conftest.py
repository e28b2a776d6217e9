"""What tests of stores and of workers stand on: `database` runs a test on SQLite and on PostgreSQL."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.feedback.store import FeedbackStore
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.storage.db import Database
from models_store.registry import Registry
from tests.conftest import republished
from tests.support.correcting import Teacher
from tests.support.databases import Postgres, programs, started
from tests.support.patience import PATIENCE_SECONDS
from tests.support.played import World
from tests.support.programs import missing


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for the session; it starts when the first test asks for it. Skips without one, but fails in CI."""
    found = programs()
    if found is None:
        missing("PostgreSQL", "postgresql")
    with started(found) as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres: Postgres) -> Iterator[str]:
    """A database with this release's tables: a copy of it is made faster than the tables are."""
    with postgres.database() as name:
        with closing(Database(postgres.url(name), PATIENCE_SECONDS)) as database, database.reading():
            pass
        yield name


@pytest.fixture(scope="session")
def shared(postgres: Postgres, template: str) -> Iterator[str]:
    """A database with this release's tables, which each test finds empty."""
    with postgres.database(template) as name:
        yield name


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with this release's tables, to be copied."""
    path = tmp_path_factory.mktemp("made") / "digitserve.db"
    with closing(Database(f"sqlite:///{path}", PATIENCE_SECONDS)) as database, database.reading():
        pass
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database without any table."""
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'state' / 'digitserve.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        with server.database() as name:
            yield server.url(name)


@pytest.fixture
def url(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database with this release's tables, and nothing in them."""
    if kind == "sqlite":
        yield f"sqlite:///{shutil.copy(request.getfixturevalue('made'), tmp_path)}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        name = request.getfixturevalue("shared")
        yield server.url(name)
        server.emptied(name)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """One whose answers are waited for, however busy the machine is: few tests are about that wait."""
    opened = Database(url, PATIENCE_SECONDS)
    yield opened
    opened.close()


@pytest.fixture
def world(tmp_path: Path, registry: Registry) -> World:
    """A queued job, and digits@2: what the training that a test plays says that it has published."""
    made = World(tmp_path, registry)
    made.queued()
    republished(registry)
    return made


@pytest.fixture
def leases(database: Database) -> Leases:
    return Leases(database)


@pytest.fixture
def store(database: Database) -> JobStore:
    return JobStore(database)


@pytest.fixture
def feedback(database: Database, tmp_path: Path) -> FeedbackStore:
    return FeedbackStore(database, tmp_path / "state")


@pytest.fixture
def teacher(database: Database, feedback: FeedbackStore, registry: Registry, tmp_path: Path) -> Teacher:
    """A worker whose jobs learn from these corrections."""
    return Teacher(database, feedback, registry, tmp_path / "jobs")
