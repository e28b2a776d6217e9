"""Disks that are full or have no names left are made, and told."""

from pathlib import Path

from app.cli.doctor.room import held, room
from tests.integration.cli.doctor.found import marked
from tests.support.disks import mounted


def test_a_small_disk_without_names(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "20m", names=40) as disk:
        little, names = marked(room("store", disk))
        assert "GiB free, which is little: delete versions" in little and "more files: delete" in names


def test_room_enough(tmp_path: Path) -> None:
    assert marked(room("store", tmp_path, least_bytes=1, least_names=0)) == []
    assert marked(held("store", 16 * 2**20), "ok") == [
        "store: 16 MiB are held back for a full disk, where deleting works so"
    ]
    assert list(held("store", 0)) == []
