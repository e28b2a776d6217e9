"""The only reader of archives: a zip's members, hardened. It writes no file."""

import io
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from models_store.datasets.passed_over import PassedOver, clutter
from models_store.errors import DataSetRejected
from models_store.text import shown

_LOCAL_HEADER = 30  # bytes before a member's name (PKWARE APPNOTE 4.3.7)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # zipfile expands the others whole, whatever is asked for
_ENCRYPTED, _UTF8 = 0x1, 0x800  # bits of a member's flags (APPNOTE 4.4.4)
# Made on FAT, HPFS, NTFS (11 where Info-ZIP says it) or VFAT (APPNOTE 4.4.2.2): there `\\` parts folders
_WINDOWS = (0, 6, 10, 11, 14)
_FOLDER = 0x10  # FAT's attribute of a folder, whose name need not end in a slash
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!")


@dataclass(frozen=True)
class ArchiveLimits:
    """What an archive may hold."""

    max_entries: int = 10_000
    max_expanded_bytes: int = 256 * 2**20


@dataclass(frozen=True)
class Member:
    """One file of an archive. The name is a relative path that names no folder above; `text.shown` makes it a text."""

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
    """The files of a zip, to be read in any order. `names` are those of `members`, in the same order.

    `guessed` are those of them whose encoding nobody said: what is not ASCII in them may be wrong. `passed_over` are
    the files that are none of the person's own.
    """

    def __init__(self, file: BinaryIO, limits: ArchiveLimits) -> None:
        """Checks all that the directory says. `file` stays the caller's to close. Raises DataSetRejected."""
        with _undamaged():
            self._zip = zipfile.ZipFile(file)
            entries = _checked(self._zip.infolist(), limits)
            _check_overlap(self._zip.infolist(), file)
        files = {name: entry for name, entry in entries.items() if not _is_folder(name, entry)}
        reasons = {name: clutter(name) for name in files}
        self._entries = {name: entry for name, entry in files.items() if reasons[name] is None}
        self.passed_over = tuple(PassedOver(shown(name), reason) for name, reason in reasons.items() if reason)
        self.guessed = frozenset(name for name, entry in self._entries.items() if _decoded(entry)[1])
        self._limits = limits
        self._left = limits.max_expanded_bytes
        self.names = tuple(self._entries)

    def expanded_bytes(self, names: Iterable[str]) -> int:
        """What so many of `names` unpack to. More is never read of them, whatever is in the zip."""
        return sum(self._entries[name].file_size for name in names)

    def read(self, name: str) -> bytes:
        """The content of one of `names`. Reading one twice counts twice. Raises DataSetRejected."""
        entry = self._entries[name]
        with _undamaged(), self._zip.open(entry) as file:
            data = file.read(min(self._left, entry.file_size) + 1)
        self._left -= len(data)
        if self._left < 0:
            raise _too_large(self._limits)
        if is_archive(data):
            raise DataSetRejected("archive_invalid", f"{_shown(name)} is an archive itself. Unpack it first.")
        return data


def is_archive(data: bytes) -> bool:
    """Whether a file that begins so is an archive, of the kinds that people pack pictures in."""
    return data.startswith(_ARCHIVES)


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
    """The entry's name with slashes, empty for the folder that was packed (tar begins each name with `./`). Raises
    DataSetRejected where it leads elsewhere or is no path at all.
    """
    name, _ = _decoded(entry)
    if entry.create_system in _WINDOWS:
        name = name.replace("\\", "/")
    is_packed_folder, name = name == "./", name.removeprefix("./")
    parts = name.rstrip("/").split("/")
    if "\0" in name or "\\" in name or ":" in parts[0] or (not is_packed_folder and {"", ".", ".."} & set(parts)):
        raise DataSetRejected(
            "archive_bad_name", f"{_shown(name)} is no usable name: use relative paths, without `..` and `\\`."
        )
    return name


def _decoded(entry: zipfile.ZipInfo) -> tuple[str, bool]:
    """The entry's name, and whether its encoding is a guess.

    APPNOTE (appendix D) calls a name without the flag CP437, but macOS writes UTF-8, and Windows its own code page.
    """
    name = entry.orig_filename  # zipfile cuts `filename` at a NUL
    if entry.flag_bits & _UTF8 or name.isascii():
        return name, False
    try:
        return name.encode("cp437").decode("utf-8"), False  # zipfile has decoded it as CP437, which loses no byte
    except UnicodeDecodeError:
        return name, True


def _is_folder(name: str, entry: zipfile.ZipInfo) -> bool:
    by_attribute = entry.create_system in _WINDOWS and entry.external_attr & _FOLDER and not entry.file_size
    return not name or name.endswith("/") or bool(by_attribute)


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


def _too_large(limits: ArchiveLimits) -> DataSetRejected:
    size = f"{limits.max_expanded_bytes / 2**20:g} MiB"
    return DataSetRejected("archive_too_large", f"The zip file's content is larger than {size}. Split it.")


def _shown(name: str) -> str:
    return f"'{shown(name, longest=80)}'"
