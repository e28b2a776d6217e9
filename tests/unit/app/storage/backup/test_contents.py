"""What a backup says of itself is read as it was written, or not at all."""

import json

import pytest

from app.errors import BackupRefused
from app.storage.backup import contents
from app.storage.backup.contents import Contents, KeptFile, check_name
from models_store.records.sealed import sealed

SAID = Contents(
    created_at="2026-11-30T18:00:00+00:00", release="0.2.0", source="sqlite", revision="0008", rows={"jobs": 2},
    files={
        "store/digits/7/manifest.json": KeptFile(3, "0" * 64),
        "store/digits/aliases.json": KeptFile(4, "1" * 64),
        "store/digits/3/deleted.txt": KeptFile(4, "1" * 64),
    },
    lost=("state/feedback/fb-1/picture.png",),
)  # fmt: skip


def test_it_is_read_as_it_was_written() -> None:
    assert contents.read(SAID.to_bytes()) == SAID
    assert (SAID.versions, SAID.size) == (["digits@7"], 11)


@pytest.mark.parametrize("place", range(0, 600, 37))
def test_one_changed_byte_is_seen(place: int) -> None:
    data = bytearray(SAID.to_bytes())
    data[place % len(data)] ^= 1
    with pytest.raises(BackupRefused) as caught:
        contents.read(bytes(data))
    assert caught.value.code == "backup_damaged"


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{}", b"\xff", b"[" * 100_000])
def test_what_is_no_table_of_contents(data: bytes) -> None:
    with pytest.raises(BackupRefused):
        contents.read(data)


def spelled(**changes: object) -> bytes:
    """As a release would write it."""
    body = {key: value for key, value in json.loads(SAID.to_bytes()).items() if key != "digest"} | changes
    return sealed({key: value for key, value in body.items() if value is not None})


def test_a_newer_format_is_named_and_a_key_that_is_missing_is_damage() -> None:
    with pytest.raises(BackupRefused, match=r"made by a newer release \(0\.9\.0\). Install that release") as caught:
        contents.read(spelled(format=2, release="0.9.0", more="?"))
    assert caught.value.code == "backup_too_new"
    with pytest.raises(BackupRefused, match="says what no release writes"):
        contents.read(spelled(files=None))


@pytest.mark.parametrize(
    "name",
    ["backup.json", "database.db", "blank/1", "store/digits/aliases.json", "store/a/7/report/confusion.png",
     "state/feedback/fb-1/picture.png", "state/jobs/ftjob-1/attempt-2/training.pt"],
)  # fmt: skip
def test_names_of_a_backup(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "/", "x", "/etc/passwd", "../x", "store/../../x/y", "store/digits", "store//x", "store/digits/", "store/a/.x",
     "store/.restoring/x", "store/a/..", "store/a/b\\c", "store/a/C:x", "state/x.db", "state/digitserve.db/x/y",
     "state/feedback/x", "state/other/a/b", "state/feedback/../../x", "blank/1/2", "store/a/\x1b[2J", "store/a/\n",
     "store/a/" + "x" * 201, "store/" + "a/" * 12 + "x", "./store/a/b", "STORE/a/b"],
)  # fmt: skip
def test_names_that_lead_elsewhere(name: str) -> None:
    with pytest.raises(BackupRefused) as caught:
        check_name(name)
    assert caught.value.code == "backup_foreign"
