"""ReviewStore on both databases: what is kept is found, once and whole, and goes when its time has come."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from app.errors import NotFound, StorageFull
from app.review.store import ReviewStore
from app.storage.db import Database
from app.storage.leftovers import LEFTOVER_SECONDS
from models_store.errors import BadRef
from tests.support.reviewing import kept, uncertain
from tests.support.uploading import lying_in

DAY = 86_400


@pytest.fixture
def store(database: Database, tmp_path: Path) -> ReviewStore:
    return ReviewStore(database, tmp_path, max_pictures=5, kept_days=30, spare_bytes=0)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "review"


def aged(database: Database, picture_id: str, seconds: float) -> None:
    """As if it had been kept so long ago."""
    with database.writing() as connection:
        query = text("UPDATE review SET created_at = created_at - :seconds WHERE id = :id")
        connection.execute(query, {"seconds": seconds, "id": picture_id})


def ids(store: ReviewStore) -> set[str]:
    return {picture.id for picture in store.queue(100)[0]}


def test_what_is_kept_is_found_by_another_process(store: ReviewStore, url: str, tmp_path: Path, home: Path) -> None:
    picture_id = kept(store, 1, confidence=0.4)
    with closing(Database(url)) as database:
        later = ReviewStore(database, tmp_path)
        found = later.get(picture_id)
        assert later.queue(10) == ([found], False)
        assert later.picture(picture_id) == later.thumbnails([found])[0] == uncertain(1).stripped.png
    assert (found.model, found.label, found.confidence) == ("digits@1", "5", 0.54)
    assert list(found.probabilities.items()) == [("1", 0.0), ("3", 0.4), ("5", 0.54), ("7", 0.0)]
    assert abs(found.created_at - time.time()) < 60
    assert home.stat().st_mode & 0o077 == 0  # people's pictures


def test_the_same_picture_is_kept_once(store: ReviewStore, home: Path) -> None:
    picture_id = kept(store, 1)
    assert store.add(uncertain(1)) is None
    assert store.add(uncertain(1, model="digits@2", confidence=0.3)) is None
    assert lying_in(home) == [picture_id] and ids(store) == {picture_id}


def test_the_same_picture_from_eight_threads_is_kept_once(store: ReviewStore, home: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: store.add(uncertain(1)), range(8)))
    assert sorted(one is None for one in made) == [False] + [True] * 7
    assert lying_in(home) == [one for one in made if one] == list(ids(store))


def test_where_there_are_too_many_the_oldest_go_at_once(store: ReviewStore, database: Database, home: Path) -> None:
    made = [kept(store, seed) for seed in range(5)]
    for age, picture_id in zip((3, 9, 1, 7, 5), made, strict=True):
        aged(database, picture_id, age * 60)
    new = [kept(store, 5), kept(store, 6)]
    assert ids(store) == {made[0], made[2], made[4], *new} == set(lying_in(home))


def test_a_lower_limit_holds_from_the_next_sweep_on(store: ReviewStore, database: Database, home: Path) -> None:
    made = [kept(store, seed) for seed in range(4)]
    aged(database, made[2], 60)
    lower = ReviewStore(database, home.parent, max_pictures=3)
    assert len(lower.queue(100)[0]) == 3
    assert lower.sweep() == [made[2]]
    assert set(lying_in(home)) == ids(lower) == {made[0], made[1], made[3]}


@pytest.mark.parametrize(("kept_days", "left"), [(30, 1), (31, 2), (0, 3), (0.001, 0)])
def test_pictures_go_after_their_days(
    store: ReviewStore, database: Database, home: Path, kept_days: float, left: int
) -> None:
    for seed, days in enumerate((29.9, 30.1, 400)):
        aged(database, kept(store, seed), days * DAY)
    other = ReviewStore(database, home.parent, 5, kept_days)
    assert len(other.sweep()) == 3 - left
    assert len(lying_in(home)) == len(ids(other)) == left


def test_bytes_without_a_row_go_after_an_hour(store: ReviewStore, home: Path) -> None:
    assert store.sweep() == []  # there is no folder yet
    picture_id, lost = kept(store, 1), f"rv-{'0' * 24}"
    (home / lost).mkdir()
    assert store.sweep() == []
    for name in (picture_id, lost):
        for each in (*(home / name).iterdir(), home / name):
            os.utime(each, (time.time() - LEFTOVER_SECONDS - 60,) * 2)
    assert store.sweep() == [lost]
    assert lying_in(home) == [picture_id] and store.picture(picture_id) == uncertain(1).stripped.png


def test_what_is_answered_elsewhere_waits_no_more(store: ReviewStore, home: Path) -> None:
    first, second, other = kept(store, 1), kept(store, 2, "digits-a@1"), kept(store, 3)
    for seed in (1, 2, 4):  # of the second only another model's answer is there, of the fourth nothing waits
        store.answered("digits", uncertain(seed).stripped.sha256)
    assert sorted((second, other)) == lying_in(home) == sorted(ids(store)) and first not in ids(store)


def test_deleting_removes_row_and_bytes(store: ReviewStore, database: Database, home: Path) -> None:
    first, second = kept(store, 1), kept(store, 2)
    store.delete(first)
    assert lying_in(home) == [second] == list(ids(store))
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM review")).scalar() == 1
    assert store.add(uncertain(1)) is not None  # it is not remembered
    for call in (store.get, store.picture, store.delete):
        with pytest.raises(NotFound):
            call(first)


def test_lost_bytes_are_not_found_and_can_be_dismissed(store: ReviewStore, home: Path) -> None:
    picture_id = kept(store, 1)
    (home / picture_id / "picture.png").unlink()
    with pytest.raises(NotFound):
        store.picture(picture_id)
    store.delete(picture_id)
    assert ids(store) == set()


@pytest.mark.parametrize(
    "name", ["rv-0", "", "\0", "rv-\0", "../x", "rv-" + "0" * 100, "rv-\udc80", "file-" + "0" * 24]
)
def test_what_is_not_there(store: ReviewStore, name: str) -> None:
    for call in (store.get, store.picture, store.delete):
        with pytest.raises(NotFound) as caught:
            call(name)
        assert caught.value.code == "picture_not_found" and str(caught.value).isprintable()


def test_the_queue_of_one_model_and_of_one_version(store: ReviewStore) -> None:
    made = {ref: kept(store, seed, ref) for seed, ref in enumerate(("digits@1", "digits@2", "digits-a@1", "digits@12"))}
    for model, refs in {
        "digits": ["digits@1", "digits@2", "digits@12"], "digits@1": ["digits@1"], "digits-a": ["digits-a@1"], "a": [],
    }.items():  # fmt: skip
        found, more = store.queue(100, model)
        assert {picture.id for picture in found} == {made[ref] for ref in refs} and not more
    for model in ("digits@champion", "", "%", "digits@%", "a\0", "Digits"):
        with pytest.raises(BadRef):
            store.queue(100, model)


def test_the_queue_says_whether_more_wait_and_is_always_the_same(store: ReviewStore) -> None:
    least = kept(store, 1, confidence=0.51)
    for seed in range(2, 6):
        kept(store, seed, confidence=0.6)
    found, more = store.queue(2)
    assert len(found) == 2 and more and found[0].id == least
    whole, more = store.queue(5)
    assert whole[:2] == found and len(whole) == 5 and not more
    assert store.queue(5) == (whole, False)


def test_a_full_disk_keeps_nothing(database: Database, tmp_path: Path, home: Path) -> None:
    with pytest.raises(StorageFull):
        ReviewStore(database, tmp_path, spare_bytes=2**60).add(uncertain(1))
    assert lying_in(home) == []
