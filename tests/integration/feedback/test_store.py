"""FeedbackStore on both databases: one record for one picture, the last word counts, and nothing is left behind."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from app.errors import NotFound, StorageFull
from app.feedback import lineage
from app.feedback.store import FeedbackStore
from app.feedback.tables import Correction
from app.storage.db import Database
from app.storage.leftovers import LEFTOVER_SECONDS
from tests.support.correcting import kept, picture, put
from tests.support.uploading import lying_in


@pytest.fixture
def store(database: Database, tmp_path: Path) -> FeedbackStore:
    return FeedbackStore(database, tmp_path / "state", spare_bytes=0)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "state" / "feedback"


def aged(path: Path, seconds: float = LEFTOVER_SECONDS + 60) -> None:
    for each in (*path.rglob("*"), path):
        os.utime(each, (time.time() - seconds,) * 2)


def _learned(connection: Connection, job: str, corrections: list[Correction]) -> None:
    """As a job that succeeds notes it; the last of them was there when it was made."""
    until = corrections[-1].changed_at
    lineage.teach(connection, job, "digits", until, [one.id for one in corrections])
    lineage.learned(connection, job, until)


def test_what_is_added_is_found_by_another_process(store: FeedbackStore, url: str, tmp_path: Path) -> None:
    made = store.add("digits", "ä", kept(1), read_by="digits@1", read_as="7")
    one = made.correction
    assert made.is_new and made.replaced is None
    assert (one.model, one.label, one.read_by, one.read_as, one.job) == ("digits", "ä", "digits@1", "7", None)
    assert (one.bytes, one.width, one.height, one.sha256) == (len(kept(1).png), 28, 28, kept(1).sha256)
    assert one.changed_at >= one.created_at > time.time() - 60
    with closing(Database(url)) as database:
        later = FeedbackStore(database, tmp_path / "state")
        assert later.get(one.id) == one and later.list(10) == ([one], False)
        assert later.picture(one.id) == later.thumbnails([one])[0] == kept(1).png


def test_the_same_again_is_there_already(store: FeedbackStore, home: Path) -> None:
    first = store.add("digits", "7", kept(1), read_by="digits@1", read_as="1")
    again = store.add("digits", "7", kept(1), read_by="digits@2", read_as="9")
    assert (again.correction, again.is_new, again.replaced) == (first.correction, False, None)
    other = store.add("letters", "7", kept(1), read_by=None, read_as=None)  # another model learns for itself
    assert other.is_new and len(lying_in(home)) == 2


def test_the_last_word_counts_and_is_not_learned_yet(store: FeedbackStore, database: Database, home: Path) -> None:
    first = store.add("digits", "3", kept(1), read_by="digits@1", read_as="1").correction
    with database.writing() as connection:
        _learned(connection, "ftjob-1", [first])
    assert store.get(first.id).job == "ftjob-1" and store.waiting("digits") == 0
    corrected = store.add("digits", "8", kept(1), read_by="digits@2", read_as="3")
    one = corrected.correction
    assert (corrected.is_new, corrected.replaced) == (False, "3")
    assert (one.id, one.label, one.read_by, one.read_as, one.job) == (first.id, "8", "digits@2", "3", None)
    assert one.created_at == first.created_at < one.changed_at
    assert store.waiting("digits") == 1 and store.per_label("digits") == {"8": 1} and lying_in(home) == [one.id]
    assert store.chosen("digits", until=first.changed_at) == []  # it said something else at that time


def test_fifty_at_once(store: FeedbackStore, home: Path) -> None:
    with ThreadPoolExecutor(50) as threads:
        futures = [threads.submit(store.add, "digits", "7", kept(1), read_by=None, read_as=None) for _ in range(50)]
    settled = [future.result() for future in futures]
    assert sum(one.is_new for one in settled) == 1 and len({one.correction.id for one in settled}) == 1
    assert lying_in(home) == [settled[0].correction.id] and store.per_label("digits") == {"7": 1}


def test_many_who_contradict_each_other_at_once(store: FeedbackStore, home: Path) -> None:
    labels = [str(number % 3) for number in range(30)]
    with ThreadPoolExecutor(30) as threads:
        futures = [threads.submit(store.add, "digits", label, kept(1), read_by=None, read_as=None) for label in labels]
    settled = [future.result() for future in futures]
    assert sum(one.is_new for one in settled) == 1 and len({one.correction.id for one in settled}) == 1
    (now,) = store.list(10)[0]
    assert now.label in "012" and lying_in(home) == [now.id]
    last = max(settled, key=lambda one: one.correction.changed_at)
    assert last.correction.changed_at == now.changed_at


def test_pages_of_the_same_moment_leave_none_out(store: FeedbackStore, database: Database) -> None:
    made = {put(store, seed, "71"[seed % 2]) for seed in range(7)}
    with database.writing() as connection:
        connection.execute(text("UPDATE feedback SET created_at = 5 WHERE id <> :id"), {"id": min(made)})
    seen: list[str] = []
    more = True
    while more:
        page, more = store.list(2, seen[-1] if seen else None)
        assert len(page) == 2 or not more
        seen += [one.id for one in page]
    assert len(seen) == 7 and set(seen) == made and seen[0] == min(made)
    assert len(store.list(10, label="7")[0]) == 4 and store.list(10, model="letters") == ([], False)
    assert [len(store.chosen(label=label)) for label in "71x"] == [4, 3, 0]


@pytest.mark.parametrize("name", ["fb-0", "", "\0", "fb-\0", "../x", "fb-" + "0" * 24, "fb-" + "g" * 24, "fb-\udc80"])
def test_what_is_not_there(store: FeedbackStore, name: str) -> None:
    for call in (store.get, store.picture, store.delete, lambda name: store.list(1, name)):
        with pytest.raises(NotFound) as caught:
            call(name)
        assert caught.value.code == "feedback_not_found"


def test_deleting_removes_row_and_picture(store: FeedbackStore, home: Path) -> None:
    gone, stays = put(store, 1, "7"), put(store, 2, "7")
    one = store.get(gone)
    store.delete(gone)
    assert lying_in(home) == [stays] and [left.id for left in store.list(10)[0]] == [stays]
    assert store.read(one) is None and store.thumbnails([one]) == [None]
    with pytest.raises(NotFound):
        store.delete(gone)
    assert put(store, 1, "7") != gone  # given again, it is new


def test_a_lost_picture_is_not_found_and_can_be_deleted(store: FeedbackStore, home: Path) -> None:
    name = put(store, 1, "7")
    (home / name / "picture.png").unlink()
    with pytest.raises(NotFound):
        store.picture(name)
    store.delete(name)
    assert lying_in(home) == []


def test_no_more_bytes_than_are_wanted(database: Database, tmp_path: Path, home: Path) -> None:
    first = put(FeedbackStore(database, tmp_path / "state"), 1, "7")
    store = FeedbackStore(database, tmp_path / "state", most_bytes=len(kept(1).png) + 1)
    with pytest.raises(StorageFull, match=r"1 corrections of .*DELETE /v1/feedback/\{id\}") as refused:
        put(store, 2, "7")
    assert refused.value.code == "feedback_full" and len(lying_in(home)) == 1
    assert put(store, 1, "1") == first and store.get(first).label == "1"  # a new word takes no room
    store.delete(first)
    assert lying_in(home) == []
    store = FeedbackStore(database, tmp_path / "state", most_bytes=len(kept(2).png))
    put(store, 2, "7")


def test_no_more_than_are_wanted(database: Database, tmp_path: Path, home: Path) -> None:
    store = FeedbackStore(database, tmp_path / "state", most=3)
    with ThreadPoolExecutor(12) as threads:
        futures = [threads.submit(put, store, seed, "7") for seed in range(12)]
    refused = [future.exception() for future in futures if future.exception()]
    assert len(refused) == 9 and {type(error) for error in refused} == {StorageFull}
    assert {getattr(error, "code", "") for error in refused} == {"feedback_full"}
    assert len(lying_in(home)) == 3
    (one, *_), _ = store.list(3)
    store.add(
        "digits",
        "1",
        kept(next(seed for seed in range(12) if kept(seed).sha256 == one.sha256)),
        read_by=None,
        read_as=None,
    )
    store.delete(one.id)
    put(store, 50, "7")


def test_killed_at_any_moment(store: FeedbackStore, home: Path) -> None:
    """What is on disk after a kill while writing, before the row, while deleting."""
    stays = put(store, 1, "7")
    killed = [".arriving-half", "fb-" + "a" * 24]
    for name in killed:
        (home / name).mkdir()
        (home / name / "picture.png").write_bytes(picture(2))
    (home / "notes").mkdir()
    assert store.sweep() == []  # they may be somebody's who is still at it
    for name in (stays, "notes", *killed):
        aged(home / name)
    assert sorted(store.sweep()) == sorted(killed)
    assert lying_in(home) == sorted([stays, "notes"]) and store.picture(stays) == kept(1).png
    assert store.sweep() == []


def test_a_folder_of_another_database_loses_nothing(store: FeedbackStore, home: Path, tmp_path: Path) -> None:
    mine = put(store, 1, "7")
    with closing(Database(f"sqlite:///{tmp_path / 'other.db'}")) as other:
        theirs = FeedbackStore(other, tmp_path / "state")
        yours = put(theirs, 1, "7")
        for path in home.iterdir():
            aged(path)
        assert store.sweep() == theirs.sweep() == [] and lying_in(home) == sorted([mine, yours])


def test_the_old_ones_go_where_days_are_set(store: FeedbackStore, database: Database, home: Path) -> None:
    old, new = put(store, 1, "7"), put(store, 2, "7")
    with database.writing() as connection:
        connection.execute(text("UPDATE feedback SET changed_at = changed_at - 90000 WHERE id = :id"), {"id": old})
    store.sweep()
    store.sweep(kept_days=2)
    assert lying_in(home) == sorted([old, new])
    store.sweep(kept_days=1)
    assert lying_in(home) == [new] and [one.id for one in store.list(10)[0]] == [new]


def test_what_was_learned_is_no_longer_waiting(store: FeedbackStore, database: Database) -> None:
    first, second, third = (store.get(put(store, seed, "7")) for seed in (1, 2, 3))
    put(store, 4, "7", model="letters")
    assert store.waiting("digits") == 3 and store.waiting("digits", first.changed_at) == 2
    with database.writing() as connection:
        _learned(connection, "ftjob-1", [first])
    with database.writing() as connection:
        _learned(connection, "ftjob-2", [first, second, third])
    jobs = [one.job for one in store.chosen("digits")]
    assert jobs == ["ftjob-1", "ftjob-2", "ftjob-2"]  # the first job that learned from it
    assert store.waiting("digits") == 0 and store.waiting("letters") == 1


def test_many_are_deleted_at_once_by_giver_and_time(store: FeedbackStore, database: Database, home: Path) -> None:
    names = [put(store, seed, "7", giver="addr:ab"[: 5 + seed % 2 + 1]) for seed in range(6)]
    other = put(store, 9, "7", model="letters", giver="addr:ab")
    times = [1000.0, 1000.9, 1001.0, 1002.0, 1003.0, 1004.0]
    with database.writing() as connection:
        for name, at in zip(names, times, strict=True):
            connection.execute(text("UPDATE feedback SET changed_at = :at WHERE id = :id"), {"at": at, "id": name})
    assert store.delete_all("digits", "addr:a", 1000, 1001) == 1  # of one giver
    assert store.delete_all("digits", None, 1000, 1001) == 1  # 1001 itself is no more in it
    assert store.delete_all("digits", "addr:ab", 0, 1e12) == 2
    assert store.delete_all(None, "nobody", 0, 1e12) == 0
    assert lying_in(home) == sorted([names[2], names[4], other]) and len(store.list(10)[0]) == 3
