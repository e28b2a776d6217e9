"""What people do with jobs: made once, listed, watched, and never on a file that somebody takes away."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from app.errors import Conflict, NotFound
from app.files.tables import files
from app.jobs.job import Job, JobEvent, State
from app.jobs.leases import Leases
from app.jobs.store import JobStore
from app.jobs.tables import jobs
from app.storage.db import Database
from tests.support.ordered import ORDER, add_file, claimed, everything, order, queued


@pytest.fixture
def store(database: Database) -> JobStore:
    return JobStore(database)


def at_once(count: int, call: Callable[[int], object]) -> list[object]:
    """What each of so many simultaneous calls gave, or raised."""
    start = threading.Barrier(count)

    def one(number: int) -> object:
        start.wait()
        try:
            return call(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def told(store: JobStore, job: Job) -> list[tuple[int, str, object]]:
    events, more = store.events(job.id, 1000)
    assert not more
    return [(event.number, event.type, event.data) for event in events]


def test_a_new_job_is_what_was_ordered(database: Database, store: JobStore) -> None:
    add_file(database)
    add_file(database, "file-2")
    asked = order(validation_file="file-2", promote="never", metadata={"who": "Ada"}, publish_to="digits-ada")
    before = time.time()
    job = store.add(asked)
    assert store.get(job.id) == job
    assert job.spec == asked
    assert (job.state, job.attempt, job.tries, job.worker, job.started_at) == (State.QUEUED, 0, 0, None, None)
    assert before - 1 < job.created_at < time.time() + 1
    assert told(store, job) == [(1, "state", {"state": "queued"})]


def test_what_is_not_there(database: Database, store: JobStore) -> None:
    add_file(database)
    for call in (store.get, store.cancel, store.pause, store.resume, lambda name: store.events(name, 1)):
        with pytest.raises(NotFound) as caught:
            call("ftjob-x")
        assert caught.value.code == "job_not_found"
    with pytest.raises(NotFound):
        store.list(1, after="ftjob-x")
    for param in ("training_file", "validation_file"):
        with pytest.raises(NotFound) as caught:
            store.add(order(**{param: "file-2"}))
        assert (caught.value.code, caught.value.param) == ("file_not_found", param)
    assert everything(database) == ([], [])


def test_fifty_at_once_with_one_key_make_one_job(database: Database, store: JobStore) -> None:
    add_file(database)
    made = at_once(50, lambda _: store.add(ORDER, "key", "digest"))
    assert {job.id if isinstance(job, Job) else job for job in made} == {store.list(10)[0][0].id}
    assert len(store.list(10)[0]) == 1
    assert len(told(store, store.list(10)[0][0])) == 1


def test_a_key_belongs_to_one_request(database: Database, store: JobStore) -> None:
    add_file(database)
    first = store.add(ORDER, "key", "digest")
    with pytest.raises(Conflict) as caught:
        store.add(ORDER, "key", "another")
    assert caught.value.code == "idempotency_key_reused"
    assert store.add(ORDER, "another key", "digest").id != first.id
    store.cancel(first.id)
    with database.writing() as connection:
        connection.execute(files.delete())
    again = store.add(ORDER, "key", "digest")  # as it is now, whatever happened since
    assert (again.id, again.state) == (first.id, State.CANCELLED)
    assert len(store.list(10)[0]) == 2


def test_a_job_without_its_file_leaves_its_key_free(database: Database, store: JobStore) -> None:
    with pytest.raises(NotFound):
        store.add(ORDER, "key", "digest")
    add_file(database)
    assert store.add(ORDER, "key", "digest").state == State.QUEUED


def test_a_job_waits_for_the_end_of_a_deletion(database: Database, store: JobStore) -> None:
    add_file(database)
    with ThreadPoolExecutor(1) as pool:
        with database.writing() as connection:
            connection.execute(files.delete())
            adding = pool.submit(store.add, ORDER)
            wait([adding], 0.2)  # it sees that the file is still there, and must not believe it
        assert isinstance(adding.exception(), NotFound)
    assert everything(database) == ([], [])


def test_the_list_goes_from_new_to_old(database: Database, store: JobStore) -> None:
    newest_first = [job.id for job in queued(database, 5)][::-1]
    assert [job.id for job in store.list(10)[0]] == newest_first
    seen, after, more = [], None, True
    while more:
        page, more = store.list(2, after)
        assert 1 <= len(page) <= 2
        after = page[-1].id
        seen += [job.id for job in page]
    assert seen == newest_first


def test_pages_of_jobs_made_at_the_same_moment(database: Database, store: JobStore) -> None:
    made = {job.id for job in queued(database, 7)}
    with database.writing() as connection:
        connection.execute(jobs.update().values(created_at=1.0))
    first, _ = store.list(3)
    second, more = store.list(4, first[-1].id)
    assert not more
    assert {job.id for job in (*first, *second)} == made


@pytest.mark.parametrize(
    "key",
    ["plain", "a.b", "$", "it's", 'a"b', "a\\b", "a b", "Größe", "😀", "x'; DROP TABLE jobs; --", "0", "%s", ":x"],
)
def test_jobs_by_any_metadata(database: Database, store: JobStore, key: str) -> None:
    add_file(database)
    found = store.add(order(metadata={key: "ja 😀 \"'\\", "other": "x"}))
    store.add(order(metadata={key: "no", "other": 'ja 😀 "'}))
    store.add(ORDER)
    assert store.get(found.id).spec.metadata[key] == "ja 😀 \"'\\"
    assert [job.id for job in store.list(10, labelled={key: "ja 😀 \"'\\"})[0]] == [found.id]
    assert [job.id for job in store.list(10, labelled={key: "ja 😀 \"'\\", "other": "x"})[0]] == [found.id]
    assert store.list(10, labelled={key: "ja 😀 \"'\\", "other": "y"})[0] == []
    assert store.list(10, labelled={f"{key}x": "no"})[0] == []


def page(store: JobStore, job: Job, limit: int, **which: object) -> tuple[list[int], bool]:
    found: tuple[Sequence[JobEvent], bool] = store.events(job.id, limit, **which)  # type: ignore[arg-type]
    return [event.number for event in found[0]], found[1]


def test_pages_of_events(database: Database, store: JobStore) -> None:
    job, leases = claimed(database), Leases(database)  # two events: queued, running
    for number in range(3, 11):
        assert leases.tell(job, "info", "metrics", f"epoch {number}", {"epoch": number})
    assert page(store, job, 4) == ([1, 2, 3, 4], True)
    assert page(store, job, 4, after=4) == ([5, 6, 7, 8], True)
    assert page(store, job, 2, after=8) == ([9, 10], False)
    assert page(store, job, 2, after=10) == ([], False)
    assert page(store, job, 3, newest_first=True) == ([10, 9, 8], True)
    assert page(store, job, 7, before=8, newest_first=True) == ([7, 6, 5, 4, 3, 2, 1], False)
    assert page(store, job, 9, after=2, before=5) == ([3, 4], False)
    (event,), _ = store.events(job.id, 1, after=9)
    assert (event.job, event.level, event.message, event.data) == (job.id, "info", "epoch 10", {"epoch": 10})


def test_events_of_many_writers_have_no_gaps(database: Database, store: JobStore) -> None:
    job, leases = claimed(database), Leases(database)
    said = at_once(8, lambda number: [leases.tell(job, "info", "message", f"{number}.{n}") for n in range(10)])
    assert said == [[True] * 10] * 8
    events, _ = store.events(job.id, 1000)
    assert [event.number for event in events] == list(range(1, 83))
    for number in range(8):  # and what one writer says stays in its order
        mine = [event.message for event in events if event.message.startswith(f"{number}.")]
        assert mine == [f"{number}.{n}" for n in range(10)]
