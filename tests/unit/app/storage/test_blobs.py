"""People's pictures on disk: whole or not at all, and nothing of another database goes."""

import os
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.errors import StorageFull
from app.storage.blobs import BlobStore
from app.storage.leftovers import LEFTOVER_SECONDS
from tests.support.uploading import lying_in

MINE, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "state" / "pictures"


@pytest.fixture
def blobs(home: Path) -> BlobStore:
    return BlobStore(home, "xy", spare_bytes=0)


def put(blobs: BlobStore, picture: bytes = b"large", thumbnail: bytes = b"small", database_id: str = MINE) -> str:
    name = blobs.new_id()
    blobs.put(name, picture, thumbnail, database_id)
    return name


def age(home: Path) -> None:
    """Everything in it becomes older than an hour."""
    for path in home.iterdir():
        for each in (*path.rglob("*"), path):
            os.utime(each, (time.time() - LEFTOVER_SECONDS - 60,) * 2)


def test_a_picture_is_kept_with_a_small_one_and_goes_with_it(blobs: BlobStore, home: Path) -> None:
    first, second = put(blobs), put(blobs, b"only", b"only")
    assert (blobs.picture(first), blobs.thumbnail(first)) == (b"large", b"small")
    assert (blobs.picture(second), blobs.thumbnail(second)) == (b"only", b"only")
    assert [path.name for path in (home / second).iterdir()] == ["picture.png"]
    blobs.remove([first, "xy-of-nobody"])
    assert lying_in(home) == [second] and blobs.picture(first) is None and blobs.thumbnail(first) is None


def test_no_other_user_of_the_machine_can_look(blobs: BlobStore, home: Path) -> None:
    name = put(blobs)
    assert home.stat().st_mode & 0o077 == (home / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "name", ["", "\0", "xy-", "xy-" + "0" * 23, "xy-" + "0" * 25, "xy-" + "G" * 24, "zz-" + "0" * 24,
             "xy-" + "0" * 24 + "\n"],
)  # fmt: skip
def test_what_is_no_id(blobs: BlobStore, name: str) -> None:
    assert blobs.is_id(blobs.new_id()) and not blobs.is_id(name)


def test_what_can_not_be_written_leaves_nothing_half(blobs: BlobStore, home: Path) -> None:
    with pytest.raises(StorageFull):
        put(BlobStore(home, "xy", spare_bytes=2**60))
    taken = blobs.new_id()
    (home / taken).mkdir()
    (home / taken / "of-somebody").touch()
    with pytest.raises(OSError, match="not empty"):
        blobs.put(taken, b"large", b"small", MINE)
    assert lying_in(home) == [taken]


def test_what_has_no_row_goes_after_an_hour_and_nothing_else(blobs: BlobStore, home: Path) -> None:
    assert blobs.leftovers.old() == []  # there is no folder yet
    known, lost = put(blobs), put(blobs)
    (home / ".arriving-half").mkdir()
    (home / "of the operator").mkdir()
    assert blobs.leftovers.old() == []
    age(home)
    new = put(blobs)
    left = blobs.leftovers.old()
    assert sorted(left) == sorted([".arriving-half", known, lost])
    assert sorted(blobs.leftovers.clear(left, {known}, MINE)) == sorted([".arriving-half", lost])
    assert lying_in(home) == sorted([known, new, "of the operator"])


@pytest.mark.parametrize("marks", [[OTHER], [MINE, OTHER]])
def test_beside_another_database_nothing_whole_goes(blobs: BlobStore, home: Path, marks: list[str]) -> None:
    names = [put(blobs, database_id=mark) for mark in marks]
    (home / ".arriving-half").mkdir()
    age(home)
    with capture_logs() as logs:
        assert blobs.leftovers.clear(blobs.leftovers.old(), set(), MINE) == [".arriving-half"]
    assert lying_in(home) == sorted(names)
    assert [(line["event"], line["count"]) for line in logs] == [("files_of_another_database", len(names))]
