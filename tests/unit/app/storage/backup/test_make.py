"""A backup is made whole or not at all, whatever others delete meanwhile."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from app.cli.kept import NAMES
from app.errors import BackupRefused, StorageFull
from app.jobs.store import JobStore
from app.storage.backup.check import check
from app.storage.backup.make import make
from tests.support.disks import mounted
from tests.unit.app.storage.backup.conftest import Kept, places_in


def rows(path: Path) -> dict[str, int]:
    return dict(check(path, NAMES).rows)


def test_everything_is_in_it_and_nothing_beside(kept: Kept, tmp_path: Path) -> None:
    for name in ("candidates.json", "jobs/ftjob-9/attempt-1/training.pt", "review/rv-1/picture.png"):
        place = kept.places.state / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"nobody's")
    kept.registry.ballast.make()
    made = kept.make(tmp_path / "b.tar")
    assert made.warnings == [] and made.path.stat().st_size == made.bytes
    contents = check(made.path, NAMES)
    assert contents == made.contents and contents.versions == ["digits@1", "digits@2"]
    assert {name.split("/")[1] for name in contents.files if name.startswith("state/")} == {"feedback", "files", "jobs"}
    assert contents.rows["feedback"] == 2 and contents.rows["jobs"] == 1 and contents.source == "sqlite"
    assert not [name for name in contents.files if "/." in name or "candidates" in name]
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == []


def test_no_file_is_overwritten(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_bytes(b"mine")
    with pytest.raises(BackupRefused, match="is there already") as caught:
        kept.make(tmp_path / "b.tar")
    assert caught.value.code == "backup_exists" and (tmp_path / "b.tar").read_bytes() == b"mine"

    def comes(_: int) -> None:
        (tmp_path / "c.tar").write_bytes(b"mine")

    with pytest.raises(BackupRefused):
        make(kept.places, NAMES, tmp_path / "c.tar", comes)
    assert (tmp_path / "c.tar").read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar", "c.tar", "here"]


def during(count: int, act: Callable[[], object]) -> Callable[[int], None]:
    """Hears how far a backup is, and acts the `count`th time."""
    heard = []

    def hear(_: int) -> None:
        heard.append(1)
        if len(heard) == count:
            act()

    return hear


def test_what_is_deleted_meanwhile_is_not_in_it_and_what_comes_may_be(kept: Kept, tmp_path: Path) -> None:
    """After its rows are copied, before its files are, and after those."""
    names = sorted([kept.correct(number) for number in (3, 4, 5)])
    with kept.database.reading() as connection:
        every = list(connection.execute(text("SELECT id FROM feedback")).scalars())

    def act() -> None:
        kept.feedback.delete(every[0])  # it is copied
        kept.feedback.delete(every[-1])  # it is not
        kept.correct(6)

    made = make(kept.places, NAMES, tmp_path / "b.tar", during(1, act))
    contents = check(made.path, NAMES)
    assert len(names) == 3 and contents.rows["feedback"] == 4 and len(contents.blank) == 1
    assert not [name for name in contents.files if every[0] in name or every[-1] in name]
    data = made.path.read_bytes()
    assert every[0].encode() not in data and every[-1].encode() not in data  # nor on a page that is free


def test_a_file_that_was_lost_before_is_said_and_keeps_nobody_from_a_backup(kept: Kept, tmp_path: Path) -> None:
    name = kept.correct(3)
    shutil.rmtree(kept.places.state / "feedback" / name)
    made = kept.make(tmp_path / "b.tar")
    assert made.warnings == [
        f"Missing on this machine: 1 files that rows name, such as state/feedback/{name}/picture.png."
    ]
    assert check(made.path, NAMES).lost == (f"state/feedback/{name}/picture.png",)


def test_a_base_that_goes_when_its_job_is_cancelled_goes_with_both(kept: Kept, tmp_path: Path) -> None:
    kept.registry.promote("digits", 1, expected=2)
    kept.registry.promote("digits", 1, expected=2, alias="previous")
    job = kept.job("digits@2")

    def act() -> None:
        JobStore(kept.database).cancel(job)
        kept.registry.delete("digits", 2)

    made = make(kept.places, NAMES, tmp_path / "b.tar", during(1, act))
    assert check(made.path, NAMES).versions == ["digits@1"] and made.warnings == []


def test_where_something_always_goes_one_gives_up_and_leaves_nothing(kept: Kept, tmp_path: Path) -> None:
    """Whenever its row is copied, the newest correction is deleted before its picture is."""
    newest = [kept.correct(3)]

    def act(_: int) -> None:
        kept.feedback.delete(newest[-1])
        newest.append(kept.correct(len(newest) + 3))

    with pytest.raises(BackupRefused) as caught:
        make(kept.places, NAMES, tmp_path / "b.tar", act, most_looks=3)
    assert caught.value.code == "backup_too_busy"
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_a_full_disk_keeps_nothing(kept: Kept, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "17m") as disk:
        with pytest.raises(
            StorageFull, match=r"^storage_full: the disk of .* is full, so no backup was made"
        ) as caught:
            kept.make(disk / "b.tar")
        assert caught.value.code == "storage_full" and list(disk.iterdir()) == []


def test_what_killed_backups_left_goes_and_what_others_make_stays(kept: Kept, tmp_path: Path) -> None:
    dead, alive = tmp_path / ".digitserve-backup-dead", tmp_path / ".digitserve-backup-alive"
    for folder in (dead, alive):
        folder.mkdir()
        (folder / "archive").write_bytes(b"x")
    handle = os.open(alive, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    kept.make(tmp_path / "b.tar")
    os.close(handle)
    assert alive.is_dir() and not dead.exists()


def test_a_machine_on_which_nothing_was_served_yet(tmp_path: Path) -> None:
    made = make(places_in(tmp_path / "none"), NAMES, tmp_path / "b.tar")
    contents = check(made.path, NAMES)
    assert (contents.revision, contents.files, contents.rows) == (None, {}, {})
    assert not (tmp_path / "none").exists()
