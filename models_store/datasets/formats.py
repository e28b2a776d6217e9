"""A folder, a zip, a CSV or a JSONL file -> labelled pictures, row by row."""

import codecs
import io
import posixpath
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from models_store.datasets import csv_table, json_lines
from models_store.datasets.archive import Archive, ArchiveLimits, is_archive
from models_store.datasets.dialect import dialect
from models_store.datasets.folder import Folder
from models_store.datasets.layout import Place, places
from models_store.datasets.passed_over import PassedOver, is_note
from models_store.datasets.rows import Item, Refused, Row, RowRejected, label_of, missing
from models_store.errors import DataSetRejected
from models_store.text import shown

DEFAULT_LIMITS = ArchiveLimits()
_HEAD = 65_536  # bytes that are looked at to tell what a file is
_MAX_PICTURE = 64 * 2**20  # bytes of one picture's file
_TABLE = "labels.csv"
_CSV, _JSONL, _ZIP = (".csv", ".tsv"), (".jsonl", ".ndjson"), (".zip",)
_TEXT = ("", ".txt", ".data", ".dat", ".tra", ".tes")  # of files that are told by how they begin; the last are UCI's

Open = Callable[[str], BinaryIO]  # a name relative to the data set -> its file, or RowRejected


def read(source: Path | bytes, limits: ArchiveLimits = DEFAULT_LIMITS) -> Iterator[Item]:
    """The rows of a data set in one order whenever it is read, by name or as they stand in the table, and what there is
    to tell beside them.

    A folder or a zip holds a folder per label, which `layout` finds, or pictures and a `labels.csv`, or nothing but one
    table. A CSV names files and labels, or holds pixels as Kaggle's MNIST does. JSONL holds pictures in base64. A
    file's kind is told by its suffix; bytes, and files without one that says it, by how they begin. Only one picture is
    in memory at a time. Raises DataSetRejected where the whole can't be used; single bad rows come as Refused.
    """
    found, labelled, packed = False, False, None
    for row in _of_bytes(source, limits) if isinstance(source, bytes) else _of_path(source, limits):
        if isinstance(row, Row | Refused):
            found = True
            labelled = labelled or isinstance(row, Row) or row.code not in ("label_missing", "archive_invalid")
            packed = packed or (row if isinstance(row, Refused) and row.code == "archive_invalid" else None)
        yield row
    if not found:
        raise DataSetRejected("data_empty", "There is no picture in it. Put labelled pictures there.")
    if packed and not labelled:
        raise DataSetRejected(packed.code, packed.why)
    if not labelled:
        raise DataSetRejected(
            "labels_missing",
            f"No picture has a label: put each into a folder named after its label, or list all in {_TABLE}.",
        )


def _of_bytes(data: bytes, limits: ArchiveLimits) -> Iterator[Item]:
    def nothing_beside(name: str) -> BinaryIO:
        raise missing(name)

    return _of_file(io.BytesIO(data), "", nothing_beside, limits)


def _of_path(path: Path, limits: ArchiveLimits) -> Iterator[Item]:
    try:
        if path.is_dir():
            folder = Folder(path)
            names, passed_over = folder.names()
            yield from passed_over
            yield from _of_tree(names, folder.open)
            return
        file = path.open("rb") if path.is_file() else None
    except OSError:
        raise DataSetRejected("data_unreadable", f"{_called(path)} can't be read. Check its permissions.") from None
    if file is None:
        raise DataSetRejected("data_missing", f"There is no file or folder {_called(path)}. Check the path.")
    with file:
        yield from _of_file(file, path.suffix.lower(), Folder(path.parent).open, limits)


def _called(path: Path) -> str:
    return shown(path.name or str(path))


def _of_file(file: BinaryIO, suffix: str, beside: Open, limits: ArchiveLimits) -> Iterator[Item]:
    head = file.read(_HEAD)
    file.seek(0)
    kind = _kind(suffix, head)
    if kind == "zip":
        archive = Archive(file, limits)
        yield from archive.passed_over
        yield from _of_tree(sorted(archive.names), _opener(archive), archive.guessed)
    elif kind == "csv":
        yield from csv_table.rows(file, head, lambda name: _content(beside, name))
    else:
        yield from json_lines.rows(file)


def _kind(suffix: str, head: bytes) -> str:
    """Raises DataSetRejected for a file that none of the readers reads."""
    kinds = dict.fromkeys(_CSV, "csv") | dict.fromkeys(_JSONL, "jsonl") | dict.fromkeys(_ZIP, "zip")
    if suffix not in _ZIP and (suffix in kinds or suffix in _TEXT) and _is_utf16(head):
        raise DataSetRejected("not_utf8", "The file is not in UTF-8. Save it in UTF-8.")
    if suffix in kinds:
        return kinds[suffix]
    begin = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if suffix in _TEXT:
        if not begin:
            raise DataSetRejected("data_empty", "The file is empty. Send one that holds labelled pictures.")
        if begin.startswith((b"PK\3\4", b"PK\5\6")):
            return "zip"
        if begin.startswith(b"{"):
            return "jsonl"
        if dialect(head) is not None:
            return "csv"
    raise DataSetRejected("data_unknown_type", "This kind of file is not read. Give a folder, a zip, a CSV or a JSONL.")


def _is_utf16(head: bytes) -> bool:
    """As Excel's "Unicode text" is, and what PowerShell writes; without a mark too, where it begins with ASCII."""
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or (head[:1] > b"\0" and head[1:4:2] == b"\0\0")


def _opener(archive: Archive) -> Open:
    names = frozenset(archive.names)

    def opened(name: str) -> BinaryIO:
        if name not in names:
            raise missing(name)
        return io.BytesIO(archive.read(name))

    return opened


def _of_tree(names: Sequence[str], opened: Open, guessed: Collection[str] = ()) -> Iterator[Item]:
    """The rows of files below one folder. Of the names that are `guessed`, what is not ASCII may be wrong."""
    table = _table(names)
    pictures = [name for name in names if not is_note(name)]
    yield from (PassedOver(shown(name), "no_picture") for name in names if is_note(name) and name != table)
    if table is not None:
        yield from _beside_table(table, pictures, opened)
        return
    place_of = places([name for name in pictures if not name.endswith("/")])
    _check_table_is_meant({place.label for place in place_of.values() if place.label}, names)
    for name in pictures:
        try:
            row = _placed(name, place_of.get(name), opened, name in guessed)
        except RowRejected as refusal:
            yield refusal.at(shown(name))
        else:
            yield row


def _placed(name: str, place: Place | None, opened: Open, guessed: bool) -> Row:
    if place is None:  # a folder that is not walked
        opened(name).close()
        raise missing(name)
    if place.label is None:
        with opened(name) as file:
            _check_unpacked(name, file.read(_HEAD))
        raise RowRejected("label_missing", "The file is in no label's folder. Put it into one or take it out.")
    if guessed and not place.label.isascii():
        raise RowRejected(
            "label_invalid", "The folder's name is in an unknown encoding. Rename it with a-z and 0-9, or zip in UTF-8."
        )
    return Row(shown(name), label_of(place.label), _content(opened, name), place.split)


def _check_table_is_meant(labels: set[str], names: Sequence[str]) -> None:
    """Refuses pictures that all have one folder's label, where the labels may be in a table that is not called so."""
    table = next((name for name in names if name.lower().endswith((*_CSV, *_JSONL))), None)
    if table is not None and len(labels) == 1:
        raise DataSetRejected(
            "layout_unclear",
            f"All pictures lie in {shown(*labels)}, and {shown(table)} lies beside them. Call the table {_TABLE} if it "
            "says what they are, and take it out if not.",
        )


def _table(names: Sequence[str]) -> str | None:
    """The table that says what the pictures are: `labels.csv` in the folder that holds all of them, or the only table
    where there is no picture. Raises DataSetRejected where several could be it."""
    pictures = [name for name in names if not is_note(name)]
    called = [name for name in names if posixpath.basename(name).lower() == _TABLE]
    for name in sorted(called, key=lambda name: name.count("/")):
        if all(picture.startswith(name[: -len(_TABLE)]) for picture in pictures):
            return name
    tables = [name for name in names if name.lower().endswith((*_CSV, *_JSONL))]
    if pictures or not tables:
        return None
    if len(tables) > 1:
        several = ", ".join(map(shown, tables[:3]))
        raise DataSetRejected(
            "layout_unclear", f"Which table to read can't be told: {several}. Give one of them alone."
        )
    return tables[0]


def _beside_table(table: str, pictures: Sequence[str], opened: Open) -> Iterator[Item]:
    """The rows of the table, then the files that it does not name."""
    folder, suffix = posixpath.dirname(table), posixpath.splitext(table)[1].lower()
    named: set[str] = set()

    def beside(name: str) -> BinaryIO:
        path = posixpath.join(folder, name)
        named.add(path)
        return opened(path)

    yield from _of_table(table, suffix, opened, beside)
    yield from (PassedOver(shown(name), "unlisted") for name in pictures if name not in named)


def _of_table(table: str, suffix: str, opened: Open, beside: Open) -> Iterator[Item]:
    try:
        file = opened(table)
    except RowRejected as refusal:
        raise DataSetRejected("data_unreadable", str(refusal)) from None
    with file:
        yield from _of_file(file, suffix, beside, DEFAULT_LIMITS)


def _content(opened: Open, name: str) -> bytes:
    """One picture's file. Raises RowRejected."""
    with opened(name) as file:
        data = file.read(_MAX_PICTURE + 1)
    if len(data) > _MAX_PICTURE:
        raise RowRejected("file_too_large", f"{shown(name)} is larger than {_MAX_PICTURE >> 20} MiB. Save it smaller.")
    _check_unpacked(name, data)
    return data


def _check_unpacked(name: str, data: bytes) -> None:
    """Raises RowRejected for an archive; a zip refuses one inside of it by itself."""
    if is_archive(data):
        raise RowRejected("archive_invalid", f"{shown(name)} is an archive itself. Unpack it first.")
