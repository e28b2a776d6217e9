"""The database, on both kinds: whether it is whole, of this release, and whether somebody works."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from app.cli.doctor import rows
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.storage.audit.record import ActOutcome, What
from app.storage.audit.tables import audit
from app.storage.audit.trail import Trail
from app.storage.db import Database
from tests.integration.cli.doctor.found import marked
from tests.support.ordered import add_file, order
from tests.support.patience import PATIENCE_SECONDS


def _set(database: Database, statement: str) -> None:
    with database.writing() as connection:
        connection.execute(text(statement))


@pytest.fixture
def job(database: Database) -> str:
    """One that waits."""
    add_file(database, "file-a")
    return JobStore(database).add(order(training_file="file-a")).id


def test_a_database_that_is_as_it_should_be(database: Database, kind: str) -> None:
    found = list(rows.database(database, is_file=kind == "sqlite"))
    assert marked(found) == [] and marked(found, "note") == []
    assert any("database: it answers" in one for one in marked(found, "ok"))


def test_one_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'none.db'}")) as database:
        found = [
            *rows.database(database, is_file=True), *rows.work(database, serves=True), *rows.backup(database),
            *rows.log(database),
        ]  # fmt: skip
    assert marked(found) == [] and "the first start makes it" in marked(found, "note")[0]
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_page(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    with closing(Database(f"sqlite:///{file}")) as database, database.writing() as connection:
        for number in range(400):
            connection.execute(
                text("INSERT INTO events VALUES ('job', :number, 0, 'info', 'message', :words, NULL)"),
                {"number": number, "words": "x" * 300},
            )
    data = bytearray(file.read_bytes())
    for page in range(len(data) // 4096 - 8, len(data) // 4096):
        data[page * 4096 : page * 4096 + 16] = b"\xff" * 16
    file.write_bytes(data)
    with closing(Database(f"sqlite:///{file}")) as database:
        (found,) = marked(rows.database(database, is_file=True))
    assert "damaged" in found and "digitserve restore" in found


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database" * 1000)
    with closing(Database(f"sqlite:///{tmp_path / 'x.db'}")) as database:
        (found,) = marked(rows.database(database, is_file=True))
    assert "restore it from a backup" in found


def test_one_that_does_not_answer(tmp_path: Path) -> None:
    with closing(Database(f"postgresql://nobody@/nothing?host={tmp_path}", 2.0)) as database:
        (found,) = marked(rows.database(database, is_file=False))
    assert "does not answer" in found and "start it" in found


def test_one_of_another_release(empty_url: str, kind: str) -> None:
    with closing(Database(empty_url, PATIENCE_SECONDS)) as database:
        with database.reading():
            pass
        _set(database, "UPDATE alembic_version SET version_num = '0007'")
        (older,) = marked(rows.database(database, is_file=kind == "sqlite"), "note")
        _set(database, "UPDATE alembic_version SET version_num = '9999'")
        (newer,) = marked(rows.database(database, is_file=kind == "sqlite"))
    assert "it is of an earlier release (0007)" in older and "Start that release" in newer


def test_jobs_from_the_future(database: Database, kind: str, job: str) -> None:
    _set(database, "UPDATE jobs SET created_at = created_at + 3600")
    (found,) = marked(rows.database(database, is_file=kind == "sqlite"), "note")
    assert "jobs from the future" in found


def test_a_job_whose_worker_is_lost_and_that_nobody_takes_over(database: Database, job: str) -> None:
    assert marked(rows.work(database, serves=True)) == []
    Leases(database).claim("one that dies")
    assert marked(rows.work(database, serves=True), "ok") == ["jobs: 1 run, none is stuck"]
    _set(database, "UPDATE jobs SET lease_until = lease_until - 3600")
    (found,) = marked(rows.work(database, serves=True))
    assert f"the workers of {job} are lost" in found and "DIGITSERVE_JOB_WORKERS" in found
    assert marked(rows.work(database, serves=False)) == [] != marked(rows.work(database, serves=False), "note")


def test_jobs_that_wait_while_nobody_works(database: Database, job: str) -> None:
    _set(database, "UPDATE jobs SET created_at = created_at - 3600")
    assert "1 wait for over ten minutes" in marked(rows.work(database, serves=True))[0]


def test_the_last_backup(database: Database) -> None:
    assert "none was made" in marked(rows.backup(database), "note")[0]
    row = {"who": "x", "what": What.BACKUP_MADE, "outcome": "done", "details": "{}", "digest": "0" * 64}
    with database.writing() as connection:
        connection.execute(insert(audit).values(number=1, at=1_790_000_000.0 - 365 * 86_400, **row))
    assert "days ago: `digitserve backup`" in marked(rows.backup(database), "note")[0]
    Trail(database).say(What.BACKUP_MADE)
    assert "backup: the last one was made" in marked(rows.backup(database), "ok")[0]


def test_an_act_that_nobody_knows_the_end_of_and_a_log_that_was_changed(database: Database) -> None:
    row = {"who": "x", "what": What.PROMOTED, "target": "digits@2", "outcome": "begun", "details": "{}"}
    with database.writing() as connection:
        connection.execute(insert(audit).values(number=1, at=1_700_000_000.0, digest="0" * 64, **row))
    assert "the entry 1 is not what was written" in marked(rows.log(database))[0]


def test_an_act_that_nothing_concludes(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    Trail(database).say(What.PROMOTED, "digits@2", outcome=ActOutcome.BEGUN)
    assert marked(rows.log(database), "note") == []  # it may go on
    monkeypatch.setattr(rows, "_OPEN_SECONDS", -60.0)
    assert "nobody knows how these acts ended" in marked(rows.log(database), "note")[0]
    assert marked(rows.log(database), "ok") == ["audit: 1 entries, each as it was written"]
