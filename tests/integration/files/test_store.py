"""FileStore on both databases: what is acknowledged survives, what is not goes, and no job loses its file."""

import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from app.errors import Conflict, NotFound, StorageFull
from app.files.room import FileLimits
from app.files.store import FileStore, StoredFile, Upload
from app.jobs.store import JobStore
from app.storage.db import Database
from app.storage.leftovers import LEFTOVER_SECONDS
from models_store import records
from models_store.specs import InputSpec
from tests.support.ordered import order
from tests.support.uploading import lying_in, nobody

REPORT = {"rows": 1, "per_label": {"ä": 1}, "input": json.loads(json.dumps(records.plain(InputSpec(height=32))))}


@pytest.fixture
def store(database: Database, tmp_path: Path) -> FileStore:
    return FileStore(database, tmp_path / "state", spare_bytes=0)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "state" / "files"


def added(store: FileStore, data: bytes = b"data") -> StoredFile:
    with store.arriving(len(data)) as folder:
        (folder / "data").write_bytes(data)
        return store.add(folder, Upload("a.zip", "fine-tune", len(data), "0" * 64), REPORT)


def aged(path: Path, seconds: float = LEFTOVER_SECONDS + 60) -> None:
    """As if nothing had been written there for so long."""
    for each in (*path.iterdir(), path):
        os.utime(each, (time.time() - seconds,) * 2)


def test_what_is_added_is_found_by_another_process(store: FileStore, url: str, tmp_path: Path) -> None:
    made = added(store, b"digits")
    assert (made.filename, made.purpose, made.bytes, made.sha256) == ("a.zip", "fine-tune", 6, "0" * 64)
    assert abs(made.created_at - time.time()) < 60
    assert made.report == REPORT and made.input == InputSpec(height=32)
    with closing(Database(url)) as database:
        later = FileStore(database, tmp_path / "state")
        assert later.get(made.id) == made and later.list(10) == ([made], False)
        assert later.path(made.id).read_bytes() == b"digits"
        known, file = later.open(made.id)
        with file:
            assert known == made and file.read() == b"digits"


def test_pages_of_files_of_the_same_moment_leave_none_out(store: FileStore, database: Database) -> None:
    made = {added(store).id for _ in range(7)}
    with database.writing() as connection:
        connection.execute(text("UPDATE files SET created_at = 5 WHERE id <> :id"), {"id": min(made)})
    for oldest_first in (False, True):
        seen: list[str] = []
        more = True
        while more:
            page, more = store.list(2, seen[-1] if seen else None, oldest_first)
            assert len(page) == 2 or not more
            seen += [file.id for file in page]
        assert len(seen) == 7 and set(seen) == made
        assert seen.index(min(made)) == (6 if oldest_first else 0)


@pytest.mark.parametrize("name", ["file-0", "", "\0", "file-\0", "../x", "file-" + "0" * 100, "file-\udc80"])
def test_what_is_not_there(store: FileStore, name: str) -> None:
    for call in (
        store.get, store.path, store.open, lambda name: store.delete(name, nobody), lambda name: store.list(1, name)
    ):  # fmt: skip
        with pytest.raises(NotFound) as caught:
            call(name)
        assert caught.value.code == "file_not_found" and str(caught.value).isprintable()


def test_lost_bytes_are_not_found(store: FileStore, home: Path) -> None:
    made = added(store)
    (home / made.id / "data").unlink()
    for call in (store.path, store.open):
        with pytest.raises(NotFound):
            call(made.id)
    store.delete(made.id, nobody)
    assert lying_in(home) == []


def test_deleting_removes_row_and_bytes(store: FileStore, home: Path, database: Database) -> None:
    made, other = added(store), added(store)
    store.delete(made.id, nobody)
    assert lying_in(home) == [other.id]
    with database.reading() as connection:
        assert connection.execute(text("SELECT id FROM files")).scalars().all() == [other.id]


def test_an_upload_that_fails_leaves_nothing(store: FileStore, home: Path) -> None:
    with pytest.raises(KeyError), store.arriving(1) as folder:
        (folder / "data").write_bytes(b"x")
        raise KeyError
    assert lying_in(home) == [] and store.list(1) == ([], False)


def test_an_upload_that_has_no_room_is_refused_before_it_begins(database: Database, tmp_path: Path) -> None:
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    for length, spare in ((2 * free, 0), (1, 2 * free)):
        store = FileStore(database, tmp_path / "state", spare)
        with pytest.raises(StorageFull) as caught, store.arriving(length):
            pytest.fail("it began")
        assert caught.value.code == "storage_full"
        assert list((tmp_path / "state" / "files").iterdir()) == []


def test_killed_at_any_moment(store: FileStore, home: Path) -> None:
    """What is on disk after a kill while writing, before the row, after the row, while deleting."""
    kept = added(store)
    killed = {".arriving-half": b"PK", "file-0a": b"whole", "file-0b": b"deleted, and still there"}
    for name, data in killed.items():
        (home / name).mkdir()
        (home / name / "data").write_bytes(data)
    assert [file.id for file in store.list(10)[0]] == [kept.id]
    assert store.sweep() == []  # they may be somebody's who is still at it
    for name in (kept.id, *killed):
        aged(home / name)
    assert sorted(store.sweep()) == sorted(killed)
    assert lying_in(home) == [kept.id] and store.path(kept.id).read_bytes() == b"data"
    assert store.sweep() == []


def test_sweeping_leaves_alone_what_is_arriving_or_not_ours(store: FileStore, home: Path, database: Database) -> None:
    assert store.sweep() == []  # there is no folder yet
    with store.arriving(4) as folder:
        (folder / "data").write_bytes(b"slow")
        os.utime(folder, (0, 0))  # it began long ago, and a piece came just now
        (home / "notes").mkdir()
        aged(home / "notes")
        assert store.sweep() == []
        aged(folder)  # it waited long for its turn to be read
        store.add(folder, Upload("a", "fine-tune", 4, "0" * 64), REPORT)
    with database.writing() as connection:
        connection.execute(text("DELETE FROM files"))  # as before the row was inserted
    assert store.sweep() == [] and (home / "notes").is_dir()


def test_a_file_that_a_job_needs_is_not_deleted(store: FileStore, database: Database) -> None:
    jobs, made, other = JobStore(database), added(store), added(store)
    for asked in (order(training_file=made.id), order(training_file=other.id, validation_file=made.id)):
        job = jobs.add(asked)
        with pytest.raises(Conflict) as caught:
            store.delete(made.id, jobs.using)
        assert caught.value.code == "file_in_use" and job.id in str(caught.value)
        assert store.path(made.id).is_file()
        jobs.cancel(job.id)
    store.delete(made.id, jobs.using)
    with pytest.raises(NotFound):
        jobs.add(order(training_file=made.id))


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as threads:
        yield threads


def test_a_job_that_is_made_while_its_file_goes_is_refused(
    store: FileStore, database: Database, pool: ThreadPoolExecutor
) -> None:
    jobs, made = JobStore(database), added(store)
    asking, asked = threading.Event(), list[Future[object]]()

    def ask() -> object:
        asking.set()
        return jobs.add(order(training_file=made.id))

    def slowly(connection: Connection, file_id: str) -> str | None:
        answer = jobs.using(connection, file_id)
        asked.append(pool.submit(ask))
        asking.wait()
        time.sleep(0.05)  # long enough for an unlocked insert to get through
        return answer

    store.delete(made.id, slowly)
    with pytest.raises(NotFound):
        asked[0].result()
    assert jobs.list(1) == ([], False)


def test_many_deletions_and_jobs_at_once_never_leave_a_job_without_its_file(
    store: FileStore, database: Database, pool: ThreadPoolExecutor
) -> None:
    jobs = JobStore(database)
    for _ in range(6):
        made = added(store)
        deleting = pool.submit(store.delete, made.id, jobs.using)
        asking = pool.submit(jobs.add, order(training_file=made.id))
        refusals = [future.exception() for future in (deleting, asking)]
        assert [type(error) for error in refusals] in ([type(None), NotFound], [Conflict, type(None)])
        assert store.sweep() == []


def test_those_on_their_way_count_and_of_many_at_once_the_last_are_refused(database: Database, tmp_path: Path) -> None:
    store = FileStore(database, tmp_path / "state", spare_bytes=0, limits=FileLimits(files=3, bytes=100))
    added(store, bytes(40))
    with store.arriving(0) as first, store.arriving(0) as second:  # nobody said how long they are
        (first / "data").write_bytes(bytes(40))
        with pytest.raises(StorageFull, match="1 data sets of"), store.arriving(0):
            pytest.fail("a fourth arrives")
        (second / "data").write_bytes(bytes(40))
        kept = store.add(first, Upload("b", "fine-tune", 40, "0" * 64), REPORT)
        with pytest.raises(StorageFull) as refused:
            store.add(second, Upload("c", "fine-tune", 40, "0" * 64), REPORT)
        assert refused.value.code == "files_full"
    with pytest.raises(StorageFull), store.arriving(21):
        pytest.fail("it says that it is too long")
    assert len(store.list(10)[0]) == 2 and len(lying_in(tmp_path / "state" / "files")) == 2
    store.delete(kept.id, nobody)
    added(store, bytes(60))


def test_old_files_go_but_for_those_that_a_job_needs(store: FileStore, database: Database, home: Path) -> None:
    old, needed, young = added(store), added(store), added(store)
    with database.writing() as connection:
        for file in (old, needed):
            change = text("UPDATE files SET created_at = created_at - 86400 WHERE id = :id")
            connection.execute(change, {"id": file.id})
    store.sweep()
    assert len(lying_in(home)) == 3
    store.sweep(0.5, lambda _, file_id: "ftjob-1" if file_id == needed.id else None)
    assert [file.id for file in store.list(10)[0]] == [young.id, needed.id]
    assert lying_in(home) == sorted([needed.id, young.id])
    store.sweep(0.5, nobody)
    assert lying_in(home) == [young.id]
