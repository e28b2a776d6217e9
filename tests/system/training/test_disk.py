"""A disk that is full: the command says so, nothing is half-written, and with space the same command works."""

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system.harness import Typed, drawn, left_in, published, small_champion

SIZE = 10 * 2**20  # bytes, of which the shipped version takes 2 and a checkpoint and a version 2 each at the most
TRAIN = "train bundled --epochs 1 --held-out 0"
FINETUNE = "finetune digits --epochs 1 --data pictures"


@dataclass(frozen=True)
class Disk:
    """A disk of its own; where this machine lets nobody mount one, files that may not grow stand for a full one."""

    folder: Path
    mounted: bool

    @contextmanager
    def full(self, room: int) -> Iterator[str]:
        """Only `room` bytes are free inside the block. Hands out how the system puts that."""
        if not self.mounted:
            unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (min(room, 300_000), unlimited[1]))
            try:
                yield "File too large"
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
            return
        filler, disk = self.folder / "filler", os.statvfs(self.folder)
        filler.write_bytes(bytes(disk.f_bavail * disk.f_frsize - room))
        yield "No space left on device"
        filler.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    mounted = (
        shutil.which("mount") is not None and not subprocess.run(mount, capture_output=True, check=False).returncode
    )
    yield Disk(folder, mounted)
    if mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize(
    ("line", "room", "made"),
    [
        (TRAIN, 64_000, "digits-bundled@1"),  # too little for the checkpoint
        (TRAIN, 3_000_000, "digits-bundled@1"),  # too little for the version beside it
        (FINETUNE, 64_000, "digits@3"),
    ],
)
def test_a_full_disk(
    disk: Disk, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, room: int, made: str
) -> None:
    drawn(tmp_path / "pictures", range(10), 6)
    words = [*line.replace("pictures", str(tmp_path / "pictures")).split(), "--store", disk.folder / "store"]
    store = disk.folder / "store"
    small_champion(store)
    with disk.full(room) as said:
        sentence = Typed(capsys)(*words).sentence
        assert sentence.startswith(f"{said}: {store}. ")
        assert sentence.endswith(" and repeat the command.")
        assert left_in(store) == {"digits": [1, 2]}
    assert Typed(capsys)(*words).result["version"] == made
    assert published(store, made).manifest.accepted
    assert not list(store.glob(".runs/*"))


def test_a_store_that_a_full_disk_cannot_hold(disk: Disk, capsys: pytest.CaptureFixture[str]) -> None:
    with disk.full(1_000_000) as said:  # half of what the shipped version takes
        sentence = Typed(capsys)("evaluate", "digits", "--data", "bundled", "--store", disk.folder / "store").sentence
        assert sentence.startswith(f"{said}: {disk.folder / 'store'}. ")
    assert left_in(disk.folder / "store") == {}
    assert Typed(capsys)("evaluate", "digits", "--data", "bundled", "--store", disk.folder / "store").code == 0


@pytest.mark.parametrize(
    "line",
    ["export digits here/x --to torchscript", "evaluate digits --data bundled --mistakes here/x", "examples here/x"],
)
def test_a_file_elsewhere(disk: Disk, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str) -> None:
    target = disk.folder / "x"
    words = line.replace("here/x", str(target)).split()
    with disk.full(1_000) as said:
        assert Typed(capsys)(*words).sentence.startswith(f"{said}: {target}")
        assert not target.is_file() and not list(disk.folder.glob(".*"))
    assert Typed(capsys)(*words).code == 0
