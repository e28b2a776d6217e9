"""The only reader of archives: a zip's members, hardened. It writes no file."""

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

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
    whole = Archive(io.BytesIO(archive), limits)
    for name in whole.names:
        yield Member(name, whole.read(name))


class Archive:
    """The files of a zip, to be read in any order. `names` are those of `members`, in the same order."""

    def __init__(self, file: BinaryIO, limits: ArchiveLimits) -> None:
        """Checks all that the directory says. `file` stays the caller's to close. Raises DataSetRejected."""
        with _undamaged():
            self._zip = zipfile.ZipFile(file)
            entries = _checked(self._zip.infolist(), limits)
            _check_overlap(self._zip.infolist(), file)
        self._entries = {name: entry for name, entry in entries.items() if not (name.endswith("/") or is_clutter(name))}
        self._limits = limits
        self._left = limits.max_expanded_bytes
        self.names = tuple(self._entries)

    def read(self, name: str) -> bytes:
        """The content of one of `names`. Reading one twice counts twice. Raises DataSetRejected."""
        entry = self._entries[name]
        with _undamaged(), self._zip.open(entry) as file:
            data = file.read(min(self._left, entry.file_size) + 1)
        self._left -= len(data)
        if self._left < 0:
            raise _too_large(self._limits)
        if data.startswith(_ARCHIVES):
            raise DataSetRejected("archive_invalid", f"{_shown(name)} is an archive itself. Unpack it first.")
        return data


@contextmanager
def _undamaged() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, OverflowError, ValueError):
        raise DataSetRejected("archive_invalid", "The zip file is damaged. Make it again and resend it.") from None


def _checked(entries: list[zipfile.ZipInfo], limits: ArchiveLimits) -> dict[str, zipfile.ZipInfo]:
    """Every entry by its name, folders too."""
    if len(entries) > limits.max_entries:
        raise DataSetRejected(
            "archive_too_many_entries",
            f"The zip file has {len(entries):,} entries, more than {limits.max_entries:,}. Split it.",
        )
    if sum(entry.file_size for entry in entries) > limits.max_expanded_bytes:
        raise _too_large(limits)
    named: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = _name(entry)
        if name in named:
            raise DataSetRejected("archive_bad_name", f"{_shown(name)} is in the zip file twice. Rename one.")
        named[name] = entry
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise DataSetRejected("archive_invalid", f"{_shown(name)} is a link or a device. Put plain files in.")
        if entry.flag_bits & _ENCRYPTED:
            raise DataSetRejected("archive_invalid", f"{_shown(name)} is encrypted. Make the zip without a password.")
        if entry.compress_type not in _METHODS:
            raise DataSetRejected("archive_invalid", f"{_shown(name)} is packed in a rare way. Make it with deflate.")
    return named


def _name(entry: zipfile.ZipInfo) -> str:
    """The entry's name in UTF-8. APPNOTE (appendix D) calls a name without the flag CP437, but macOS writes UTF-8."""
    name = entry.orig_filename  # zipfile cuts `filename` at a NUL
    is_utf8 = True
    if not (entry.flag_bits & _UTF8 or name.isascii()):
        try:
            name = name.encode("cp437").decode("utf-8")  # zipfile has decoded it as CP437, which loses no byte
        except UnicodeDecodeError:
            is_utf8 = False
    parts = name.rstrip("/").split("/")
    if not is_utf8 or "\0" in name or "\\" in name or ":" in parts[0] or {"", ".", ".."} & set(parts):
        raise DataSetRejected(
            "archive_bad_name",
            f"{_shown(name)} is no usable name: use relative paths in UTF-8, without `..` and `\\`.",
        )
    return name


def _check_overlap(entries: list[zipfile.ZipInfo], file: BinaryIO) -> None:
    """Refuses members that share bytes, as quine and overlap bombs do (Fifield 2019); Python 3.11 reads them."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise DataSetRejected("archive_invalid", "Members of the zip file overlap. Make it with a usual program.")
        file.seek(entry.header_offset + _LOCAL_HEADER - 4)
        lengths = file.read(2), file.read(2)  # of the name and of the extra field
        begin = entry.header_offset + _LOCAL_HEADER
        end = begin + sum(int.from_bytes(length, "little") for length in lengths) + entry.compress_size


def is_clutter(name: str) -> bool:
    """True for what operating systems add, and for hidden files: `name` is relative, with slashes."""
    parts = name.split("/")
    return parts[0] == "__MACOSX" or parts[-1].startswith(".") or parts[-1] in ("Thumbs.db", "desktop.ini")


def _too_large(limits: ArchiveLimits) -> DataSetRejected:
    size = f"{limits.max_expanded_bytes / 2**20:g} MiB"
    return DataSetRejected("archive_too_large", f"The zip file's content is larger than {size}. Split it.")


def _shown(name: str) -> str:
    return repr(name[:80])
