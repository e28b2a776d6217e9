"""People's pictures on disk: whole or not at all."""

from pathlib import Path

import pytest

from app.errors import StateReadOnly, StorageFull
from app.storage.blobs import BlobStore
from tests.support.uploading import lying_in

MINE = "a" * 32


def put(blobs: BlobStore, picture: bytes = b"large", thumbnail: bytes = b"small", database_id: str = MINE) -> str:
    name = blobs.new_id()
    blobs.put(name, picture, thumbnail, database_id)
    return name


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


def test_a_file_where_its_folder_should_be_is_refused(blobs: BlobStore, home: Path) -> None:
    home.parent.mkdir()
    home.touch()
    for use in (lambda: put(blobs), lambda: blobs.picture("xy-1"), lambda: blobs.thumbnail("xy-1")):
        with pytest.raises(StateReadOnly) as refused:
            use()
        assert refused.value.code == "state_unusable"


def test_what_can_not_be_written_leaves_nothing_half(blobs: BlobStore, home: Path) -> None:
    with pytest.raises(StorageFull):
        put(BlobStore(home, "xy", spare_bytes=2**60))
    taken = blobs.new_id()
    (home / taken).mkdir()
    (home / taken / "of-somebody").touch()
    with pytest.raises(OSError, match="not empty"):
        blobs.put(taken, b"large", b"small", MINE)
    assert lying_in(home) == [taken]
