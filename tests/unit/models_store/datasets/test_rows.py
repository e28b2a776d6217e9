"""Names in a zip: in every encoding, and those that lead elsewhere."""

import io
import struct
import zipfile
import zlib

import pytest

from models_store.datasets.archive import Archive, ArchiveLimits, Member, members
from models_store.datasets.formats import read
from models_store.datasets.rows import Refused, Row
from models_store.errors import DataSetRejected
from tests.unit.models_store.datasets.test_archive import refusal, zipped
from tests.unit.models_store.datasets.test_formats import rows_of


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/etc/x",
        "//a/x",
        "..",
        "a//x",
        "a/./x",
        "..\\x",
        "./../x",
        ".",
        "C:/x",
        "C:x",
        "\\\\a\\x",
    ],
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
def test_names_in_other_encodings_are_guessed(name: bytes) -> None:
    """No byte of CP437 is undefined, so there is a name; nobody knows whether it is the one that was meant."""
    archive = Archive(io.BytesIO(unflagged(name)), ArchiveLimits())
    assert archive.guessed == {name.decode("cp437")} == set(archive.names)
    assert archive.read(name.decode("cp437")) == b"seven"


def test_of_a_guessed_name_only_a_label_in_ascii_counts() -> None:
    """Where the folder is in an unknown encoding, its row is lost; where the file alone is, nothing is."""
    (row,) = rows_of(unflagged("7/Größe 1.png".encode("cp850")))
    assert isinstance(row, Row) and (row.label, row.data) == ("7", b"seven")
    (around,) = rows_of(unflagged("Ziffern Größe/7/1.png".encode("cp850")))
    assert isinstance(around, Row) and around.label == "7"
    rows = [item for item in read(zip_of_windows("ß/1.png", "7/2.png")) if isinstance(item, Row | Refused)]
    assert [row.code if isinstance(row, Refused) else row.label for row in rows] == ["7", "label_invalid"]


def zip_of_windows(*names: str, system: int = 0) -> bytes:
    """As Windows' own programs write it: names in a code page, made on FAT (0) or NTFS (10, and 11 by Info-ZIP)."""
    raw = [name.encode("cp437") for name in names]
    infos = [zipfile.ZipInfo(f"{number:0{len(name)}}"[: len(name)]) for number, name in enumerate(raw)]
    for info in infos:
        info.create_system = system
    archive = zipped([(info, b"seven") for info in infos])
    for info, name in zip(infos, raw, strict=True):
        archive = archive.replace(info.filename.encode(), name)
    return archive


@pytest.mark.parametrize("system", [0, 6, 10, 11, 14])
def test_a_backslash_parts_folders_where_windows_made_the_zip(system: int) -> None:
    rows = rows_of(zip_of_windows("digits\\7\\aaaaaaaa.png", "digits\\1\\bbbbbbb.png", system=system))
    assert [(row.where, row.label) for row in rows if isinstance(row, Row)] == [
        ("digits/1/bbbbbbb.png", "1"), ("digits/7/aaaaaaaa.png", "7"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["..\\secret.png", "7\\..\\..\\x.png", "\\\\host\\x\\y.png", "C:\\digits\\7.png"])
def test_windows_names_that_lead_elsewhere_are_refused(name: str) -> None:
    assert refusal(zip_of_windows(name)) == "archive_bad_name"


def test_the_folder_that_tar_packs_means_nothing() -> None:
    archive = Archive(io.BytesIO(zipped([("./", b""), ("./7/", b""), ("./7/a.png", b"x")])), ArchiveLimits())
    assert archive.names == ("7/a.png",)


def test_folders_of_windows_are_no_pictures() -> None:
    """Some programs end their names in a backslash, some say it by an attribute alone."""
    marked = zipfile.ZipInfo("7")
    marked.create_system, marked.external_attr = 0, 0x10
    archive = Archive(io.BytesIO(zipped([(marked, b""), ("7/a.png", b"x")])), ArchiveLimits())
    assert archive.names == ("7/a.png",)
    assert Archive(io.BytesIO(zip_of_windows("digits\\")), ArchiveLimits()).names == ()


def test_what_a_zip_has_beside_the_pictures_is_told_with_its_reason() -> None:
    names = ["7/a.png", "__MACOSX/7/._a.png", "7/.DS_Store", "Thumbs.db", "7/\x1b[2J/.x"]
    archive = Archive(io.BytesIO(zipped([(name, b"x") for name in names])), ArchiveLimits())
    assert [(passed.name, passed.reason) for passed in archive.passed_over] == [
        ("__MACOSX/7/._a.png", "system"), ("7/.DS_Store", "hidden"), ("Thumbs.db", "system"),
        ("7/\\x1b[2J/.x", "hidden"),
    ]  # fmt: skip


def test_names_in_utf8_are_checked_as_they_are_read() -> None:
    assert refusal(unflagged("ä/../../x".encode())) == "archive_bad_name"
    twice = zipped([("ä.png", b"1"), ("xx.png", b"2")]).replace(b"xx.png", "ä.png".encode())
    assert refusal(twice) == "archive_bad_name"


def test_names_that_cannot_be_read_are_refused() -> None:
    assert refusal(zipped([("evil_.png", b"x")]).replace(b"evil_", b"evil\0")) == "archive_bad_name"
    lying = zipped([("ä.png", b"x")]).replace("ä".encode(), b"\xff\xfe")  # it says that it is UTF-8
    assert refusal(lying) == "archive_invalid"


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
