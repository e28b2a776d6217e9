"""Folders that no row knows: they go after an hour, and nothing of another database goes with them."""

import os
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.storage.blobs import BlobStore
from app.storage.leftovers import LEFTOVER_SECONDS, Leftovers
from tests.support.uploading import lying_in

MINE, OTHER = "a" * 32, "b" * 32


def put(blobs: BlobStore, database_id: str = MINE) -> str:
    name = blobs.new_id()
    blobs.put(name, b"large", b"small", database_id)
    return name


def age(home: Path) -> None:
    """Everything in it becomes older than an hour."""
    for path in home.iterdir():
        for each in (*path.rglob("*"), path):
            os.utime(each, (time.time() - LEFTOVER_SECONDS - 60,) * 2)


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
    assert [(line["event"], line["count"]) for line in logs] == [("pictures_of_another_database", len(names))]


def test_a_folder_that_is_still_written_into_is_not_old(blobs: BlobStore, home: Path) -> None:
    name = put(blobs)
    age(home)
    assert blobs.leftovers.old() == [name]
    os.utime(home / name / "picture.png")
    assert blobs.leftovers.old() == []


def test_what_is_gone_already_is_removed_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "x-1" / "deep").mkdir(parents=True)
    leftovers = Leftovers(tmp_path, "pictures", lambda name: name.startswith("x-"))
    leftovers.remove(["x-1", "x-2"])
    assert list(tmp_path.iterdir()) == []
    assert leftovers.clear([], set(), MINE) == []
