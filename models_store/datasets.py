"""The only reader of archives: a zip's members, hardened. It knows no pictures and writes no file."""

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from models_store.errors import DataSetRejected

_LOCAL_HEADER = 30  # bytes before a member's name (PKWARE APPNOTE 4.3.7)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # zipfile expands the others whole, whatever is asked for
_ENCRYPTED, _UTF8 = 0x1, 0x800  # bits of a member's flags (APPNOTE 4.4.4)
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!")


@dataclass(frozen=True)
class ArchiveLimits:
    """What an archive may hold."""

    max_entries: int = 10_000
    max_expanded_bytes: int = 256 * 2**20


@dataclass(frozen=True)
class Member:
    """One file of an archive. The name is a relative path that names no folder above."""

    name: str
    data: bytes


def members(archive: bytes, limits: ArchiveLimits) -> Iterator[Member]:
    """The files of a zip in its order, without folders and without what operating systems add.

    Everything that the directory says is checked before the first member is read, and the size again while reading; no
    member is ever written to disk. Raises DataSetRejected.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as whole:
            entries = whole.infolist()
            _check(entries, limits, archive)
            left = limits.max_expanded_bytes
            for entry in entries:
                if entry.is_dir() or _is_clutter(entry.filename):
                    continue
                with whole.open(entry) as file:
                    data = file.read(min(left, entry.file_size) + 1)
                left -= len(data)
                if left < 0:
                    raise _too_large(limits)
                if data.startswith(_ARCHIVES):
                    raise DataSetRejected("archive_invalid", f"{_shown(entry)} is an archive itself. Unpack it first.")
                yield Member(entry.filename, data)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, OverflowError, ValueError):
        raise DataSetRejected("archive_invalid", "The zip file is damaged. Make it again and resend it.") from None


def _check(entries: list[zipfile.ZipInfo], limits: ArchiveLimits, archive: bytes) -> None:
    if len(entries) > limits.max_entries:
        raise DataSetRejected(
            "archive_too_many_entries",
            f"The zip file has {len(entries):,} entries, more than {limits.max_entries:,}. Split it.",
        )
    if sum(entry.file_size for entry in entries) > limits.max_expanded_bytes:
        raise _too_large(limits)
    names = set()
    for entry in entries:
        if entry.filename in names:
            raise DataSetRejected("archive_bad_name", f"{_shown(entry)} is in the zip file twice. Rename one.")
        names.add(entry.filename)
        _check_name(entry)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise DataSetRejected("archive_invalid", f"{_shown(entry)} is a link or a device. Put plain files in.")
        if entry.flag_bits & _ENCRYPTED:
            raise DataSetRejected("archive_invalid", f"{_shown(entry)} is encrypted. Make the zip without a password.")
        if entry.compress_type not in _METHODS:
            raise DataSetRejected(
                "archive_invalid", f"{_shown(entry)} is packed in a rare way. Make the zip with deflate."
            )
    _check_overlap(entries, archive)


def _check_name(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename  # zipfile cuts `filename` at a NUL
    parts = name.rstrip("/").split("/")
    ascii_or_utf8 = entry.flag_bits & _UTF8 or name.isascii()
    if not ascii_or_utf8 or "\0" in name or "\\" in name or ":" in parts[0] or {"", ".", ".."} & set(parts):
        raise DataSetRejected(
            "archive_bad_name",
            f"{_shown(entry)} is no usable name: use relative paths in UTF-8, without `..` and `\\`.",
        )


def _check_overlap(entries: list[zipfile.ZipInfo], archive: bytes) -> None:
    """Refuses members that share bytes, as quine and overlap bombs do (Fifield 2019); Python 3.11 reads them."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise DataSetRejected("archive_invalid", "Members of the zip file overlap. Make it with a usual program.")
        begin = entry.header_offset + _LOCAL_HEADER
        lengths = archive[begin - 4 : begin - 2], archive[begin - 2 : begin]  # of the name and of the extra field
        end = begin + sum(int.from_bytes(length, "little") for length in lengths) + entry.compress_size


def _is_clutter(name: str) -> bool:
    parts = name.split("/")
    return parts[0] == "__MACOSX" or parts[-1].startswith(".") or parts[-1] in ("Thumbs.db", "desktop.ini")


def _too_large(limits: ArchiveLimits) -> DataSetRejected:
    size = f"{limits.max_expanded_bytes / 2**20:g} MiB"
    return DataSetRejected("archive_too_large", f"The zip file's content is larger than {size}. Split it.")


def _shown(entry: zipfile.ZipInfo) -> str:
    return repr(entry.filename[:80])
