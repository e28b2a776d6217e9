"""A backup is whole to its last byte, or it is none."""

import dataclasses
import hashlib
import io
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.cli.kept import NAMES
from app.errors import BackupRefused
from app.storage.backup import contents
from app.storage.backup.check import check, picture_folders
from app.storage.backup.contents import KeptFile
from tests.unit.app.storage.backup.conftest import Kept

Parts = dict[str, bytes]


@pytest.fixture
def backup(kept: Kept, tmp_path: Path) -> Path:
    return kept.make(tmp_path / "b.tar").path


def parts(path: Path) -> Parts:
    with tarfile.open(path, "r:") as archive:
        return {one.name: archive.extractfile(one).read() for one in archive}  # type: ignore[union-attr]


def write(path: Path, found: list[tuple[str, bytes]]) -> Path:
    """A tar of others' with these members."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in found:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o600
            archive.addfile(entry, io.BytesIO(data))
    path.write_bytes(path.read_bytes()[: sum(512 + -(-len(data) // 512) * 512 for _, data in found) + 1024])
    return path


def forged(backup: Path, change: Callable[[Parts], object], **facts: Any) -> Path:
    """The same with other members, by somebody who spells all digests right."""
    found = parts(backup)
    said = contents.read(found.pop("backup.json"))
    change(found)
    files = {name: KeptFile(len(data), hashlib.sha256(data).hexdigest()) for name, data in found.items()}
    found["backup.json"] = dataclasses.replace(said, files=files, blank={}, **facts).to_bytes()
    return write(backup.with_name("forged.tar"), list(found.items()))


def code(path: Path) -> str:
    with pytest.raises(BackupRefused) as caught:
        check(path, NAMES)
    return caught.value.code


def test_a_whole_one_says_what_is_in_it(backup: Path) -> None:
    heard: list[int] = []
    said = check(backup, NAMES, heard.append)
    assert heard == sorted(heard) and 0 < heard[-1] <= backup.stat().st_size
    assert picture_folders(said) == ["feedback", "files"]
    assert forged(backup, lambda found: None).read_bytes() == backup.read_bytes()


def test_a_changed_byte_anywhere_is_seen(backup: Path) -> None:
    data = backup.read_bytes()
    for place in [*range(0, len(data) - 1024, len(data) // 40), len(data) - 1]:
        if data[place : place + 512].count(0) == 512:  # what fills a block up counts for nothing
            continue
        (backup.with_name("c.tar")).write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        assert code(backup.with_name("c.tar")) in ("backup_damaged", "backup_foreign"), place


def test_one_that_is_cut_off_anywhere_is_seen(backup: Path) -> None:
    data = backup.read_bytes()
    for length in range(512, len(data), len(data) // 25):
        (backup.with_name("c.tar")).write_bytes(data[:length])
        assert code(backup.with_name("c.tar")) == "backup_damaged"
    for length in (0, 1, 511):
        (backup.with_name("c.tar")).write_bytes(data[:length])
        assert code(backup.with_name("c.tar")) == "backup_foreign"


def test_members_that_come_twice_or_behind_the_last(backup: Path) -> None:
    found = list(parts(backup).items())
    for listed in ([found[0], *found], [*found, found[0]], [*found, found[-1]], [*found, ("store/a/more", b"")]):
        assert code(write(backup.with_name("c.tar"), listed)) == "backup_foreign"
    for listed in (found[1:], [("store/a/more", b""), *found], [(found[0][0], b"other"), *found[1:]], found[-1:]):
        assert code(write(backup.with_name("c.tar"), listed)) == "backup_damaged"
    assert code(write(backup.with_name("c.tar"), found[:-1])) == "backup_damaged"


def test_rows_without_their_files_are_no_backup(backup: Path) -> None:
    def without(start: str) -> Callable[[Parts], object]:
        return lambda found: [found.pop(name) for name in list(found) if name.startswith(start)]

    for start in ("state/feedback/", "state/files/", "store/digits/1/", "database.db"):
        assert code(forged(backup, without(start))) == "backup_damaged"
    assert check(forged(backup, without("state/jobs/")), NAMES).files  # without checkpoints a job begins anew


@pytest.mark.parametrize("data", [b"", b"x" * 4096, b"SQLite format 3\0" + b"x" * 4096])
def test_a_database_that_is_none(backup: Path, data: bytes) -> None:
    assert code(forged(backup, lambda found: found.update({"database.db": data}))) == "backup_damaged"


def test_a_database_of_another_or_of_a_newer_release(backup: Path, tmp_path: Path) -> None:
    def changed(statement: str) -> bytes:
        (tmp_path / "x.db").write_bytes(parts(backup)["database.db"])
        with closing(sqlite3.connect(tmp_path / "x.db")) as database, database:
            database.execute(statement)
        return (tmp_path / "x.db").read_bytes()

    newer = changed("UPDATE alembic_version SET version_num = '9999'")
    assert code(forged(backup, lambda found: found.update({"database.db": newer}))) == "backup_too_new"
    fewer = changed("DELETE FROM feedback")
    assert code(forged(backup, lambda found: found.update({"database.db": fewer}))) == "backup_damaged"


def test_what_is_no_file(tmp_path: Path) -> None:
    assert code(tmp_path) == "backup_not_found" and code(tmp_path / "none") == "backup_not_found"
