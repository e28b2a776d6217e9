"""How much room is left, also where a folder is still to be made."""

import shutil
from pathlib import Path

from app.supervision.watch.disks import free_bytes


def test_each_place_has_its_disk(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    places = {"there": tmp_path, "to be made": tmp_path / "a" / "b", "below a file": tmp_path / "file" / "c"}
    found = free_bytes(places)
    assert set(found) == set(places)
    whole = shutil.disk_usage(tmp_path)
    assert all(0 < free <= whole.total for free in found.values())


def test_one_that_cannot_be_asked_is_left_out(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert free_bytes({"loop": loop, "there": tmp_path}).keys() == {"there"}
