"""BlobStore: a picture is there whole or not at all, and what was left behind goes, but nothing that may be another's."""

import os
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.errors import StorageFull
from app.files.store import LEFTOVER_SECONDS
from app.storage.blobs import BlobStore
from tests.uploading import lying_in

MINE, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "state" / "pictures"


@pytest.fixture
def shelf(home: Path) -> BlobStore:
    return BlobStore(home, "xy", spare_bytes=0)


def put(shelf: BlobStore, picture: bytes = b"large", thumbnail: bytes = b"small", database_id: str = MINE) -> str:
    name = shelf.new_id()
    shelf.put(name, picture, thumbnail, database_id)
    return name


def age(home: Path) -> None:
    """Everything in it becomes older than an hour."""
    for path in home.iterdir():
        os.utime(path, (time.time() - LEFTOVER_SECONDS - 60,) * 2)


def test_a_picture_is_kept_with_a_small_one_and_goes_with_it(shelf: BlobStore, home: Path) -> None:
    first, second = put(shelf), put(shelf, b"only", b"only")
    assert (shelf.picture(first), shelf.thumbnail(first)) == (b"large", b"small")
    assert (shelf.picture(second), shelf.thumbnail(second)) == (b"only", b"only")
    assert [path.name for path in (home / second).iterdir()] == ["picture.png"]
    shelf.remove([first, "xy-of-nobody"])
    assert lying_in(home) == [second] and shelf.picture(first) is None and shelf.thumbnail(first) is None


def test_no_other_user_of_the_machine_can_look(shelf: BlobStore, home: Path) -> None:
    name = put(shelf)
    assert home.stat().st_mode & 0o077 == (home / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "name", ["", "\0", "xy-", "xy-" + "0" * 23, "xy-" + "0" * 25, "xy-" + "G" * 24, "zz-" + "0" * 24,
             "xy-" + "0" * 24 + "\n"],
)  # fmt: skip
def test_what_is_no_id(shelf: BlobStore, name: str) -> None:
    assert shelf.is_id(shelf.new_id()) and not shelf.is_id(name)


def test_what_can_not_be_written_leaves_nothing_half(shelf: BlobStore, home: Path) -> None:
    with pytest.raises(StorageFull):
        put(BlobStore(home, "xy", spare_bytes=2**60))
    taken = shelf.new_id()
    (home / taken).mkdir()
    (home / taken / "of-somebody").touch()
    with pytest.raises(OSError, match="not empty"):
        shelf.put(taken, b"large", b"small", MINE)
    assert lying_in(home) == [taken]


def test_what_has_no_row_goes_after_an_hour_and_nothing_else(shelf: BlobStore, home: Path) -> None:
    assert shelf.left() == []  # there is no folder yet
    known, lost = put(shelf), put(shelf)
    (home / ".arriving-half").mkdir()
    (home / "of the operator").mkdir()
    assert shelf.left() == []
    age(home)
    new = put(shelf)
    left = shelf.left()
    assert sorted(left) == sorted([".arriving-half", known, lost])
    assert sorted(shelf.clear(left, {known}, MINE)) == sorted([".arriving-half", lost])
    assert lying_in(home) == sorted([known, new, "of the operator"])


@pytest.mark.parametrize("marks", [[OTHER], [MINE, OTHER]])
def test_beside_another_database_nothing_whole_goes(shelf: BlobStore, home: Path, marks: list[str]) -> None:
    names = [put(shelf, database_id=mark) for mark in marks]
    (home / ".arriving-half").mkdir()
    age(home)
    with capture_logs() as logs:
        assert shelf.clear(shelf.left(), set(), MINE) == [".arriving-half"]
    assert lying_in(home) == sorted(names)
    assert [(line["event"], line["count"]) for line in logs] == [("pictures_of_another_database", len(names))]
