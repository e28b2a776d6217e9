"""Archives of every bad kind that the fault table names, made by hand where no honest program writes them."""

import bz2
import io
import stat
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Sequence

import numpy as np
import pytest

from models_store.datasets.archive import ArchiveLimits, Member, members
from models_store.errors import DataSetRejected

# Fields of an entry in the central directory: offset and format (PKWARE APPNOTE 4.3.12)
FLAGS, METHOD, CRC, COMPRESSED, EXPANDED, LOCAL = (8, "<H"), (10, "<H"), (16, "<I"), (20, "<I"), (24, "<I"), (42, "<I")
MEGABYTE = 2**20


def zipped(files: Sequence[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data, None if isinstance(name, str) else method)
    return buffer.getvalue()


def patched(archive: bytes, entry: int, field: tuple[int, str], value: int) -> bytes:
    """The archive with one field of its n-th directory entry changed."""
    with zipfile.ZipFile(io.BytesIO(archive)) as whole:
        start = whole.start_dir
    for _ in range(entry):
        start = archive.index(b"PK\1\2", start + 1)
    changed = bytearray(archive)
    struct.pack_into(field[1], changed, start + field[0], value)
    return bytes(changed)


def refusal(archive: bytes, limits: ArchiveLimits | None = None) -> str:
    with pytest.raises(DataSetRejected) as caught:
        list(members(archive, limits or ArchiveLimits()))
    assert str(caught.value).endswith(".")
    return caught.value.code


GOOD = [("7/a.png", b"seven" * 9), ("1/b.png", bytes(60)), ("7/ä.png", b""), ("labels.csv", b"a.png,7\n")]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_come_in_the_order_of_the_archive(method: int) -> None:
    assert list(members(zipped(GOOD, method), ArchiveLimits())) == [Member(name, data) for name, data in GOOD]


def test_folders_and_clutter_are_skipped() -> None:
    clutter = ["__MACOSX/7/._a.png", ".DS_Store", "7/.DS_Store", "Thumbs.db", "7/Thumbs.db", "desktop.ini", "7/.hidden"]
    archive = zipped([("7/", b""), ("empty/", b""), *((name, b"x") for name in clutter), ("7/a.png", b"seven")])
    assert list(members(archive, ArchiveLimits())) == [Member("7/a.png", b"seven")]


def test_an_archive_at_its_limits_passes() -> None:
    archive = zipped([("a", bytes(600)), ("b", bytes(400))], zipfile.ZIP_DEFLATED)
    limits = ArchiveLimits(max_entries=2, max_expanded_bytes=1000)
    assert len(list(members(archive, limits))) == 2
    assert refusal(archive, ArchiveLimits(1, 1000)) == "archive_too_many_entries"
    assert refusal(archive, ArchiveLimits(2, 999)) == "archive_too_large"


def test_the_default_limits_are_those_of_the_fault_table() -> None:
    assert ArchiveLimits() == ArchiveLimits(max_entries=10_000, max_expanded_bytes=256 * MEGABYTE)
    assert refusal(zipped([(str(n), b"") for n in range(10_001)])) == "archive_too_many_entries"
    assert refusal(patched(zipped([("a", b"x")]), 0, EXPANDED, 256 * MEGABYTE + 1)) == "archive_too_large"


def peak(archive: bytes, limits: ArchiveLimits) -> int:
    """Bytes of memory that reading takes, whatever comes of it."""
    tracemalloc.start()
    try:
        list(members(archive, limits))
    except DataSetRejected:
        pass
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return most


@pytest.mark.parametrize("crc", [None, zlib.crc32(bytes(10))])
def test_a_bomb_that_declares_ten_bytes_expands_to_no_more(crc: int | None) -> None:
    archive = patched(zipped([("zeros", bytes(8 * MEGABYTE))], zipfile.ZIP_DEFLATED), 0, EXPANDED, 10)
    if crc is not None:
        archive = patched(archive, 0, CRC, crc)
    assert peak(archive, ArchiveLimits()) < MEGABYTE


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_of_another_method_does_not_expand_at_all(method: int) -> None:
    archive = patched(zipped([("zeros", bytes(8 * MEGABYTE))], method), 0, EXPANDED, 10)
    assert peak(archive, ArchiveLimits(max_expanded_bytes=MEGABYTE)) < 2 * MEGABYTE
    assert refusal(archive) == "archive_invalid"


def test_a_member_larger_than_it_says_is_refused() -> None:
    archive = zipped([("a", b"seven" * 100)], zipfile.ZIP_DEFLATED)
    assert refusal(patched(archive, 0, EXPANDED, 10)) == "archive_invalid"


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_refused(kind: int) -> None:
    info = zipfile.ZipInfo("a.png")
    info.external_attr = (kind | 0o777) << 16
    assert refusal(zipped([(info, b"/etc/passwd")])) == "archive_invalid"


@pytest.mark.parametrize("bit", [0x1, 0x20, 0x40])
def test_encrypted_and_patched_members_are_refused(bit: int) -> None:
    assert refusal(patched(zipped(GOOD), 1, FLAGS, bit)) == "archive_invalid"


@pytest.mark.parametrize("inner", [zipped(GOOD), b"\x1f\x8b\x08" + bytes(20), bz2.compress(b"x")])
def test_an_archive_in_the_archive_is_refused(inner: bytes) -> None:
    assert refusal(zipped([("a.png", b"x"), ("b.png", inner)])) == "archive_invalid"


def overlapping(kind: str) -> bytes:
    if kind == "two entries, one member":
        return patched(zipped([("a", b"x"), ("b", b"x")]), 1, LOCAL, 0)
    if kind == "a member in a member":
        within = zipped([("b", b"x")])
        return patched(zipped([("a", b"_" + within), ("b", b"x")]), 1, LOCAL, 30 + 1 + 1)
    return quoted()


def quoted() -> bytes:
    """Fifield's extra-field quoting: the first local header's extra field holds the second's, both share the data."""
    plain = zipped([("a", b"shared"), ("b", b"shared")])
    with zipfile.ZipFile(io.BytesIO(plain)) as whole:
        directory = plain[whole.start_dir :]
    first, second = plain[:31], plain[37:68]
    filler = struct.pack("<HH", 0x9999, 8 + len(second)) + bytes(8)
    head = bytearray(first)
    struct.pack_into("<H", head, 28, len(filler) + len(second))
    changed = bytearray(bytes(head) + filler + second + b"shared" + directory)
    start = len(changed) - len(directory)
    struct.pack_into("<I", changed, changed.index(b"PK\1\2", start + 1) + LOCAL[0], 31 + len(filler))
    struct.pack_into("<I", changed, len(changed) - 6, start)
    return bytes(changed)


@pytest.mark.parametrize("kind", ["two entries, one member", "a member in a member", "a member in an extra field"])
def test_members_that_share_bytes_are_refused(kind: str) -> None:
    with pytest.raises(DataSetRejected, match="overlap"):
        list(members(overlapping(kind), ArchiveLimits()))


def test_a_refused_name_is_shown_as_it_is() -> None:
    with pytest.raises(DataSetRejected) as refused:
        list(members(zipped([("7\\a\x1b.png", b"x")]), ArchiveLimits()))
    assert str(refused.value).startswith("'7\\a\\x1b.png' is no usable name")


@pytest.mark.parametrize("offset", [2**31, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_member_far_behind_the_end_is_refused(offset: int) -> None:
    info = zipfile.ZipInfo("a.png")
    info.extra = struct.pack("<HHQ", 1, 8, offset)  # zip64
    assert refusal(patched(zipped([(info, b"x")]), 0, LOCAL, 0xFFFF_FFFF)) == "archive_invalid"


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\3\4", b"PK\5\6", b"\x89PNG\r\n\x1a\n", bytes(1000)])
def test_what_is_no_zip_is_refused(content: bytes) -> None:
    assert refusal(content) == "archive_invalid"


def test_every_truncated_zip_is_refused() -> None:
    whole = zipped(GOOD, zipfile.ZIP_DEFLATED)
    assert {refusal(whole[:length]) for length in range(len(whole))} == {"archive_invalid"}


def test_a_member_with_a_wrong_checksum_is_refused() -> None:
    assert refusal(zipped(GOOD).replace(b"seven", b"sevem")) == "archive_invalid"
    assert refusal(patched(zipped(GOOD), 3, CRC, 7)) == "archive_invalid"


@pytest.mark.parametrize("method", range(22))
def test_no_number_of_a_method_gets_through_unforeseen(method: int) -> None:
    archive = patched(zipped([("a", b"\x09\x04\x05\x00" + bytes(60))], zipfile.ZIP_DEFLATED), 0, METHOD, method)
    stored = patched(zipped([("a", b"\x09\x04\x05\x00\xff" + bytes(60))]), 0, METHOD, method)
    for damaged in (archive, stored):
        if method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            assert refusal(damaged) == "archive_invalid"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_flipped_bytes_are_refused_or_harmless(method: int, rng: np.random.Generator) -> None:
    whole = zipped(GOOD, method)
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= int(rng.integers(1, 256))
        try:
            for member in members(bytes(damaged), ArchiveLimits()):
                assert not member.name.startswith("/") and ".." not in member.name.split("/")
                assert len(member.data) <= 60
        except DataSetRejected:
            pass
