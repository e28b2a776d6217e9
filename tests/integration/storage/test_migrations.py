"""The schema: what the scripts make is what the code expects, and every start ends with it or with nothing new."""

import dataclasses
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

import app.feedback.store
import app.jobs.store
import app.review.store
import app.shadow.tables
import app.storage.audit.tables
import app.web.access.tables  # noqa: F401 (its tables too)
from app.errors import DatabaseUnavailable
from app.feedback.tables import feedback, lessons, lineage
from app.files.tables import files
from app.jobs.store import JobStore
from app.jobs.tables import jobs
from app.storage.db import HEAD, Database, metadata
from tests.conftest import ROOT
from tests.support.ordered import order
from tests.support.patience import PATIENCE_SECONDS

TABLES = {
    "identity", "files", "jobs", "events", "feedback", "review", "keys", "lessons", "lineage", "secrets", "shadows",
    "differences", "audit",
}  # fmt: skip
UPLOAD: dict[str, Any] = {
    "id": "file-1", "created_at": 1.5, "filename": "x.zip", "purpose": "fine-tune", "bytes": 1, "sha256": "0" * 64,
    "report": {"rows": 2},
}  # fmt: skip
QUEUED: dict[str, Any] = dataclasses.asdict(order()) | {
    "id": "ftjob-1", "state": "queued", "created_at": 2.5, "promote": 1, "attempt": 0, "tries": 0, "events": 0,
}  # fmt: skip
del QUEUED["pictures"]  # the first release did not know it
OPEN = """
import os, sys
import alembic.command, psycopg  # once for all of them
from app.storage.db import Database
ready, go = os.pipe()
for _ in range(8):
    if os.fork() == 0:
        os.close(go)
        os.read(ready, 1)
        with Database(sys.argv[1], float(sys.argv[2])).reading():
            pass
        sys.exit()
os.close(go)
print([os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(8)])
"""


@contextmanager
def written(url: str) -> Iterator[Connection]:
    """A transaction beside the stores, whose connection is closed at the end."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        yield connection


def tables(url: str) -> set[str]:
    with written(url) as connection:
        return set(inspect(connection).get_table_names())


def use(url: str) -> None:
    with closing(Database(url, PATIENCE_SECONDS)) as database, database.writing() as connection:
        connection.execute(text("DELETE FROM jobs"))


def test_the_scripts_end_at_this_release() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "app" / "storage" / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_the_scripts_make_what_the_code_expects(empty_url: str) -> None:
    with closing(Database(empty_url)) as database, database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert set(metadata.tables) == TABLES


def test_what_is_there_already_stays(empty_url: str) -> None:
    use(empty_url)
    with closing(Database(empty_url)) as database, database.writing() as connection:
        connection.execute(text("INSERT INTO events VALUES ('job', 1, 0, 'info', 'message', '', NULL)"))
    use(empty_url)
    with closing(Database(empty_url)) as database, database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM events")).scalar() == 1


def test_a_database_of_the_first_release_keeps_its_rows_and_gets_what_is_new(empty_url: str, tmp_path: Path) -> None:
    """As the first release left it, made by the first script alone."""
    (tmp_path / "state").mkdir()
    with written(empty_url) as connection, Operations.context(MigrationContext.configure(connection)):
        first = ScriptDirectory(str(ROOT / "app" / "storage" / "migrations")).get_revision("0001")
        assert first is not None
        first.module.upgrade()
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('0001')"))
        database_id = connection.execute(text("SELECT id FROM identity")).scalar_one()
        connection.execute(insert(files).values(UPLOAD))
        connection.execute(insert(jobs).values(QUEUED))
    with closing(Database(empty_url)) as database:
        with database.reading() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
            assert connection.execute(text("SELECT id FROM identity")).scalar_one() == database_id
            assert connection.execute(select(files)).one()._mapping == UPLOAD
            job = connection.execute(select(jobs)).one()._mapping
            assert {name: job[name] for name in QUEUED} == QUEUED
        assert JobStore(database).get(QUEUED["id"]).spec == order()
    assert tables(empty_url) == TABLES | {"alembic_version"}


def test_what_jobs_learned_before_it_was_noted_is_known(empty_url: str, tmp_path: Path) -> None:
    """As the release before left it: a job learned all corrections of its model that were there when it was made."""
    (tmp_path / "state").mkdir()
    scripts = ScriptDirectory(str(ROOT / "app" / "storage" / "migrations"))
    made = {**QUEUED, "state": "succeeded", "training_file": "feedback", "created_at": 5.0}
    results: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        ("ftjob-1", {"version": "digits@2", "accepted": True}, {}),
        ("ftjob-2", {}, {}),
    ]
    results += [
        ("ftjob-3", {"version": "digits@3", "accepted": False}, {"training_file": "file-1", "base": "digits@2"})
    ]
    with written(empty_url) as connection, Operations.context(MigrationContext.configure(connection)):
        for revision in ("0001", "0002", "0003", "0004", "0005"):
            script = scripts.get_revision(revision)
            assert script is not None
            script.module.upgrade()
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('0005')"))
        for name, result, changes in results:
            connection.execute(insert(jobs).values({**made, "id": name, "result": result, **changes}))
        for number, (model, at) in enumerate([("digits", 4.0), ("digits", 6.0), ("letters", 4.0)]):
            row: dict[str, Any] = {"id": f"fb-{number}", "model": model, "label": "7", "sha256": str(number)}
            row |= {"bytes": 1, "width": 1, "height": 1, "created_at": at, "changed_at": at}
            connection.execute(insert(feedback).values(row))
    with closing(Database(empty_url)) as database, database.reading() as connection:
        assert connection.execute(select(lessons)).all() == [("fb-0", "ftjob-1", "digits", 5.0)]
        rows = connection.execute(select(lineage).order_by(lineage.c.job)).all()
        assert rows == [("ftjob-1", "digits@2", "digits@1", 1), ("ftjob-3", "digits@3", "digits@2", 0)]
        assert connection.execute(select(feedback.c.giver, feedback.c.held).distinct()).all() == [(None, None)]


def test_a_folder_with_a_name_that_means_something(tmp_path: Path) -> None:
    use(f"sqlite:///{tmp_path / '50% of %(here)s' / 'x.db'}")
    assert (tmp_path / "50% of %(here)s" / "x.db").is_file()


def test_eight_threads_of_one_process_start_at_once(empty_url: str) -> None:
    start, broken = threading.Barrier(8), []

    def begin() -> None:
        start.wait()
        try:
            use(empty_url)
        except Exception as error:
            broken.append(error)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    assert tables(empty_url) == TABLES | {"alembic_version"}


def test_eight_processes_start_at_once(empty_url: str) -> None:
    command = [sys.executable, "-c", OPEN, empty_url, str(PATIENCE_SECONDS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    assert (done.stdout, done.stderr) == (f"{[0] * 8}\n", "")
    assert tables(empty_url) == TABLES | {"alembic_version"}


def test_a_script_that_breaks_leaves_nothing(empty_url: str) -> None:
    use(empty_url)  # makes the folder
    with written(empty_url) as connection:
        for table in (*TABLES - {"events"}, "alembic_version"):
            connection.execute(text(f"DROP TABLE {table}"))
    with pytest.raises(DBAPIError):  # the last table of the first script is there already
        use(empty_url)
    assert tables(empty_url) == {"events"}
    with written(empty_url) as connection:
        connection.execute(text("DROP TABLE events"))
    use(empty_url)
    assert tables(empty_url) == TABLES | {"alembic_version"}


def test_a_database_of_a_newer_release(empty_url: str) -> None:
    use(empty_url)
    with written(empty_url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseUnavailable) as caught:
        use(empty_url)
    assert caught.value.code == "database_too_new"
    assert str(caught.value).endswith("Start that release, or name another database.")
    with written(empty_url) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{HEAD}'"))
    use(empty_url)
