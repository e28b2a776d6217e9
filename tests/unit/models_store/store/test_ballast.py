"""Room held back on a small disk of its own: made, let go of on a full disk only, taken back, shared by processes."""

import errno
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from models_store import durable
from models_store.errors import StoreFull
from models_store.store.ballast import PARTS, Ballast
from tests.support.disks import fill, free, mounted
from tests.support.read_only import read_only

MIB = 2**20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk of 40 MiB and few names."""
    with mounted(tmp_path / "disk", "40m", names=64) as folder:
        yield folder


def written(folder: Path) -> str:
    with durable.refusals():
        durable.write(folder / "a.json", bytes(100_000))
    return "done"


def test_where_no_room_can_be_asked_for_it_is_written(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.posix_fallocate")  # as on macOS
    ballast = Ballast(disk)
    ballast.make()
    assert ballast.bytes() == PARTS * MIB <= 40 * MIB - free(disk)
    fill(disk)
    with ballast.released():
        assert written(disk) == "done"


def test_a_full_disk_lets_through_what_makes_room_and_the_rest_is_held_back_again(disk: Path) -> None:
    ballast = Ballast(disk)
    ballast.make()
    assert ballast.bytes() == PARTS * MIB <= 40 * MIB - free(disk)  # really allocated
    fill(disk)
    with pytest.raises(StoreFull):
        written(disk)
    for _ in range(PARTS // 2):
        (disk / "a.json").unlink(missing_ok=True)
        fill(disk)  # others take what is free meanwhile
        assert ballast.relieve(lambda: written(disk), StoreFull) == "done"
    assert ballast.bytes() >= PARTS // 4 * MIB
    (disk / "filler").unlink()
    ballast.make()
    assert ballast.bytes() == PARTS * MIB


def test_a_disk_without_another_name_is_full_too(disk: Path) -> None:
    ballast = Ballast(disk)
    ballast.make()
    for number in range(64):
        try:
            (disk / f"x{number}").touch()
        except OSError as error:
            assert error.errno == errno.ENOSPC
            break
    with pytest.raises(StoreFull):
        written(disk)
    assert ballast.relieve(lambda: written(disk), StoreFull) == "done"


def test_what_fails_for_another_reason_or_fails_again_is_raised(disk: Path) -> None:
    ballast, tried = Ballast(disk), []

    def fails() -> None:
        tried.append(ballast.bytes())
        raise StoreFull("full")

    with pytest.raises(StoreFull):
        ballast.relieve(fails, StoreFull)
    assert tried == [0]  # nothing to let go of
    ballast.make()
    with pytest.raises(StoreFull):
        ballast.relieve(fails, StoreFull)
    assert tried == [0, PARTS * MIB, 0] and ballast.bytes() == PARTS * MIB
    with pytest.raises(StoreFull):
        ballast.relieve(fails, KeyError)
    assert len(tried) == 4


def test_a_small_disk_has_a_small_ballast_and_a_full_one_none(disk: Path) -> None:
    (disk / "filler").write_bytes(bytes(28 * MIB))
    ballast = Ballast(disk)
    ballast.make()
    assert 0 < ballast.bytes() < PARTS * MIB and free(disk) >= 8 * MIB - 65_536
    other = Ballast(disk / "other")
    (disk / "other").mkdir()
    fill(disk)
    other.make()
    assert other.bytes() == 0 and free(disk) == 0


def test_a_copy_with_holes_holds_nothing_back_until_it_is_filled(disk: Path) -> None:
    """As `cp` and `rsync --sparse` make them of bytes that are all zero."""
    ballast = Ballast(disk)
    ballast.make()
    for part in (disk / ".ballast").glob("[0-9]*"):
        part.unlink()
        with part.open("wb") as file:
            file.truncate(MIB)
    assert ballast.bytes() == 0
    ballast.make()
    assert ballast.bytes() == PARTS * MIB <= 40 * MIB - free(disk)


def test_where_nothing_can_be_written_there_is_none_in_silence(tmp_path: Path) -> None:
    Ballast(tmp_path / "nothing").make()
    assert not (tmp_path / "nothing").exists()
    store = tmp_path / "store"
    store.mkdir()
    with read_only(store):
        Ballast(store).make()
        with Ballast(store).released() as was_any:
            assert not was_any
    assert list(store.iterdir()) == []


def test_of_many_that_need_it_at_once_each_is_alone_and_none_is_blocked_by_itself(disk: Path) -> None:
    ballast = Ballast(disk)
    ballast.make()
    inside, most, lock = 0, 0, threading.Lock()

    def needs() -> None:
        nonlocal inside, most
        with ballast.released() as was_any, ballast.released() as again:
            assert was_any and not again
            with lock:
                inside += 1
                most = max(most, inside)
            assert ballast.bytes() == 0
            with lock:
                inside -= 1

    threads = [threading.Thread(target=needs) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1 and ballast.bytes() == PARTS * MIB
