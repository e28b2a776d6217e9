"""A backup's file is one that any tar reads; what any tar can hold besides is refused."""

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.errors import BackupRefused, StorageFull
from app.storage.backup.archive import ArchiveWriter, members
from tests.support.disks import mounted

NAMES = ("store/digits/7/model.pt", "state/feedback/fb-1/picture.png")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[ArchiveWriter]:
    with closing(ArchiveWriter(tmp_path / "x.tar")) as made:
        yield made


def read(path: Path) -> dict[str, bytes]:
    with path.open("rb") as file:
        return {member.name: b"".join(member.pieces) for member in members(file)}


def test_what_is_written_is_read_by_us_and_by_any_tar(archive: ArchiveWriter, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x" * 1_500_000)
    archive.add(NAMES[0], tmp_path / "source")
    archive.add(NAMES[0], tmp_path / "not there")  # it is in it already
    archive.add_bytes(NAMES[1], b"")
    long = f"store/{'n' * 60}/999999999/weights.safetensors"
    archive.add_bytes(long, b"y" * 512)
    assert NAMES[0] in archive and archive.files[NAMES[0]].bytes == 1_500_000
    archive.finish("backup.json", b"{}")
    path = tmp_path / "x.tar"
    assert path.stat().st_mode & 0o777 == 0o600 and path.stat().st_size == archive.bytes
    found = {NAMES[0]: b"x" * 1_500_000, NAMES[1]: b"", long: b"y" * 512, "backup.json": b"{}"}
    assert read(path) == found
    with tarfile.open(path, "r:") as other:
        assert {one.name: other.extractfile(one).read() for one in other} == found  # type: ignore[union-attr]


def test_what_was_deleted_is_zeros_without_a_name(archive: ArchiveWriter, tmp_path: Path) -> None:
    for name in NAMES:
        archive.add_bytes(name, b"secret" * 1000)
    archive.remove(NAMES[0])
    archive.add_bytes("store/digits/8/model.pt", b"more")
    archive.remove(NAMES[1])
    archive.finish("backup.json", b"{}")
    zeros = bytes(6000)
    assert read(tmp_path / "x.tar") == {
        "blank/1": zeros, "blank/2": zeros, "store/digits/8/model.pt": b"more", "backup.json": b"{}",
    }  # fmt: skip
    assert set(archive.files) == {"store/digits/8/model.pt", "backup.json"} and set(archive.blank) == {
        "blank/1", "blank/2",
    }  # fmt: skip
    data = (tmp_path / "x.tar").read_bytes()
    assert b"secret" not in data and b"fb-1" not in data


def test_no_link_and_no_pipe_is_followed(archive: ArchiveWriter, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic links"):
        archive.add(NAMES[0], tmp_path / "link")
    with pytest.raises(FileNotFoundError):
        archive.add(NAMES[0], tmp_path / "gone")
    os.mkfifo(tmp_path / "pipe")
    archive.add(NAMES[1], tmp_path / "pipe")  # which never would end
    assert archive.files[NAMES[1]].bytes == 0


def test_a_name_that_no_header_holds(archive: ArchiveWriter) -> None:
    with pytest.raises(BackupRefused) as caught:
        archive.add_bytes("store/a/" + "x" * 120, b"")
    assert caught.value.code == "backup_name_too_long"
    with pytest.raises(BackupRefused):
        archive.add_bytes("../x", b"")


def test_a_full_disk_is_said_before_its_last_byte_is_taken(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "24m") as disk, closing(ArchiveWriter(disk / "x.tar")) as archive:
        with pytest.raises(StorageFull):
            archive.add_bytes(NAMES[0], bytes(2**24))
        assert archive.bytes == 512


def tar(*entries: tarfile.TarInfo, form: int = tarfile.USTAR_FORMAT, **options: str) -> bytes:
    """A tar of others'; what has a length has zeros."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=options.get("mode", "w"), format=form) as made:  # type: ignore[call-overload]
        for entry in entries:
            made.addfile(entry, io.BytesIO(bytes(entry.size)) if entry.size else None)
    return buffer.getvalue()


def entry(name: str = NAMES[0], kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, size
    return made


HOSTILE = {
    "link": tar(entry(kind=tarfile.SYMTYPE, link="/etc/passwd")),
    "hard link": tar(entry(kind=tarfile.LNKTYPE, link="/etc/passwd")),
    "device": tar(entry(kind=tarfile.CHRTYPE)),
    "disk": tar(entry(kind=tarfile.BLKTYPE)),
    "pipe": tar(entry(kind=tarfile.FIFOTYPE)),
    "folder": tar(entry("store/digits", tarfile.DIRTYPE)),
    "old": tar(entry(kind=tarfile.AREGTYPE)),
    "sparse": tar(entry(kind=tarfile.GNUTYPE_SPARSE)),
    "extended": tar(entry(name="store/é/x"), form=tarfile.PAX_FORMAT),
    "endless name": tar(entry(name="store/a/" + "x" * 5000), form=tarfile.GNU_FORMAT),
    "above": tar(entry(name="store/../../../x")),
    "absolute": tar(entry(name="/store/a/x")),
    "packed": tar(entry(), mode="w:gz"),
    "other": b"PK\x03\x04" + bytes(600),
    "picture": b"\x89PNG\r\n\x1a\n" * 100,
    "negative": (lambda block: block[:124] + b"\xff" * 12 + block[136:])(tar(entry())),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_pretends_to_be_a_backup(what: str, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(HOSTILE[what])
    with pytest.raises(BackupRefused) as caught:
        read(tmp_path / "x.tar")
    assert caught.value.code == "backup_foreign"


def test_a_file_that_is_cut_off_or_goes_on(archive: ArchiveWriter, tmp_path: Path) -> None:
    archive.add_bytes(NAMES[0], b"x" * 700)
    archive.finish("backup.json", b"{}")
    data = (tmp_path / "x.tar").read_bytes()
    for changed in (*(data[:length] for length in range(1, len(data), 100)), data + b"x", data + bytes(512)):
        (tmp_path / "y.tar").write_bytes(changed)
        with pytest.raises(BackupRefused):
            read(tmp_path / "y.tar")
    claims = entry(size=10**12)  # of which nothing is there
    (tmp_path / "y.tar").write_bytes(claims.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(BackupRefused, match="cut off"):
        read(tmp_path / "y.tar")
