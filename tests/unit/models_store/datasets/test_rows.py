"""Names in a zip: in every encoding, and those that lead elsewhere."""

import io
import struct
import zipfile
import zlib

import pytest

from models_store.datasets.archive import ArchiveLimits, Member, members
from models_store.errors import DataSetRejected
from tests.unit.models_store.datasets.test_archive import refusal, zipped


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/x", "//a/x", "..", "a//x", "./x", "a\\x", "..\\x", "C:/x", "C:x", "\\\\a\\x"]
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    assert refusal(zipped([("good", b""), (name, b"x")])) == "archive_bad_name"


def unflagged(name: bytes) -> bytes:
    """A zip of one file whose name has these bytes and does not say how they are meant, as macOS writes it."""
    archive = zipped([("x" * len(name), b"seven")]).replace(b"x" * len(name), name)
    assert not zipfile.ZipFile(io.BytesIO(archive)).infolist()[0].flag_bits & 0x800
    return archive


@pytest.mark.parametrize("name", ["7/ä.png", "七/写真.png", "7/a\u0308.png"])
def test_names_in_utf8_that_do_not_say_so_are_read(name: str) -> None:
    assert list(members(unflagged(name.encode()), ArchiveLimits())) == [Member(name, b"seven")]


@pytest.mark.parametrize("name", ["7/ä.png".encode("latin-1"), "7/ä.png".encode("cp437"), b"\xed\xa0\x80.png"])
def test_names_in_other_encodings_are_refused(name: bytes) -> None:
    assert refusal(unflagged(name)) == "archive_bad_name"


def test_names_in_utf8_are_checked_as_they_are_read() -> None:
    assert refusal(unflagged("ä/../../x".encode())) == "archive_bad_name"
    twice = zipped([("ä.png", b"1"), ("xx.png", b"2")]).replace(b"xx.png", "ä.png".encode())
    assert refusal(twice) == "archive_bad_name"


def test_names_that_cannot_be_read_are_refused() -> None:
    assert refusal(zipped([("evil_.png", b"x")]).replace(b"evil_", b"evil\0")) == "archive_bad_name"
    assert refusal(zipped([("ä.png", b"x")]).replace("ä".encode(), b"\xff\xfe")) == "archive_invalid"


def test_a_name_in_the_extra_field_changes_nothing() -> None:
    """Info-ZIP's Unicode path field, which Python 3.13 reads, may hold another name than the one that was checked."""
    info = zipfile.ZipInfo("good")
    path = struct.pack("<BI", 1, zlib.crc32(b"good")) + b"../x"
    info.extra = struct.pack("<HH", 0x7075, len(path)) + path
    try:
        assert [member.name for member in members(zipped([(info, b"x")]), ArchiveLimits())] == ["good"]
    except DataSetRejected as error:
        assert error.code == "archive_bad_name"


def test_a_name_that_comes_twice_is_refused() -> None:
    archive = zipped([("a.png", b"1"), ("b.png", b"2")]).replace(b"b.png", b"a.png")
    assert refusal(archive) == "archive_bad_name"
