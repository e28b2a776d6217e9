"""A version that a job starts from stays until the job has ended, whoever is quicker."""

import threading
from contextlib import closing
from pathlib import Path

import pytest

from app.errors import Conflict
from app.jobs.leases import Leases
from app.jobs.needs import JobNeeds
from app.jobs.store import JobStore
from app.storage.db import Database
from models_store.errors import VersionNotFound
from tests.support.ordered import add_file, order
from tests.support.patience import PATIENCE_SECONDS
from tests.support.read_only import read_only


@pytest.fixture
def needs(database: Database) -> JobNeeds:
    add_file(database)
    return JobNeeds(database)


def delete(needs: JobNeeds, base: str) -> bool:
    try:
        with needs.without(base):
            return True
    except Conflict as refusal:
        assert refusal.code == "version_in_use"
        return False


def test_until_the_job_has_ended(needs: JobNeeds, store: JobStore, leases: Leases) -> None:
    job = store.add(order(base="digits@1"))
    assert needs.needing("digits@1") == job.id and needs.needing("digits@11") is None
    with pytest.raises(Conflict, match=f"The job {job.id} starts from digits@1. Cancel it, or wait for its end."):
        needs.without("digits@1").__enter__()
    assert delete(needs, "digits@11") and delete(needs, "letters@1")
    store.pause(job.id)
    assert not delete(needs, "digits@1")
    store.resume(job.id)
    claimed = leases.claim("worker-1")
    assert claimed is not None and not delete(needs, "digits@1")
    assert leases.publish(claimed) and not delete(needs, "digits@1")
    assert leases.succeed(claimed, {"version": "digits@2"}) and delete(needs, "digits@1")


def test_a_job_that_comes_while_a_version_goes_finds_it_gone(database: Database, needs: JobNeeds) -> None:
    there, began = {"digits@1"}, threading.Event()

    def check(base: str) -> None:
        if base not in there:
            raise VersionNotFound(f"The model digits has no version {base}.")

    refused: list[str] = []

    def add() -> None:
        began.set()
        try:
            JobStore(database, check_base=check).add(order(base="digits@1"))
        except VersionNotFound as refusal:
            refused.append(str(refusal))

    with needs.without("digits@1"):
        other = threading.Thread(target=add)
        other.start()
        began.wait(PATIENCE_SECONDS)
        other.join(0.05)  # it waits; where it were quicker, it would have found the version
        there.clear()
    other.join(PATIENCE_SECONDS)
    assert len(refused) == 1 and JobStore(database).list(1) == ([], False)


def test_where_the_state_may_only_be_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    with closing(Database(url)) as database:
        add_file(database)
        job = JobStore(database).add(order(base="digits@1"))
    with read_only(tmp_path), closing(Database(url)) as database:
        needs = JobNeeds(database)
        assert needs.needing("digits@1") == job.id
        assert not delete(needs, "digits@1") and delete(needs, "digits@2")
