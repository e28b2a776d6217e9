"""Rows from the future are dated now, in their order."""

from sqlalchemy import select

from app.jobs.store import JobStore
from app.jobs.tables import jobs
from app.storage.db import Database, now
from app.storage.times import put_right
from tests.support.ordered import queued

COLUMNS = (jobs.c.created_at, jobs.c.finished_at)


def clock(database: Database) -> float:
    with database.reading() as connection:
        return connection.execute(select(now())).scalar_one()


def test_what_was_dated_before_the_clock_went_back(database: Database) -> None:
    store, made = JobStore(database), queued(database, 5)
    store.cancel(made[3].id)
    before = clock(database)
    with database.writing() as connection:
        for number, job in enumerate(made[:4]):
            later = {"created_at": before + 3600 + number}
            connection.execute(jobs.update().where(jobs.c.id == job.id).values(later))
        connection.execute(jobs.update().where(jobs.c.id == made[3].id).values(finished_at=before + 7200))
        connection.execute(jobs.update().where(jobs.c.id == made[4].id).values(created_at=before))
    assert put_right(database, COLUMNS) == 5
    found = [store.get(job.id) for job in made]
    dates = [job.created_at for job in found[:4]]
    assert dates == sorted(dates) and len(set(dates)) == 4  # first come is first served
    assert before - 1 < dates[0] and found[3].finished_at is not None
    assert dates[3] <= found[3].finished_at <= clock(database)
    assert found[4].created_at == before
    assert put_right(database, COLUMNS) == 0


def test_an_empty_database(database: Database) -> None:
    assert put_right(database, COLUMNS) == 0
