"""A folder, a zip, a CSV or a JSONL file -> labelled pictures, row by row."""

import codecs
import io
import posixpath
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from models_store.datasets import csv_table, json_lines
from models_store.datasets.archive import Archive, ArchiveLimits, is_clutter
from models_store.datasets.folder import Folder
from models_store.datasets.rows import Refused, Row, RowRejected, label_of, missing, shown
from models_store.errors import DataSetRejected

DEFAULT_LIMITS = ArchiveLimits()
_HEAD = 65_536  # bytes that are looked at to tell what a file is
_MAX_PICTURE = 64 * 2**20  # bytes of one picture's file
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
_TABLE = "labels.csv"
_CSV, _JSONL, _ZIP = (".csv", ".tsv"), (".jsonl", ".ndjson"), (".zip",)

Open = Callable[[str], BinaryIO]  # a name relative to the data set -> its file, or RowRejected


def read(source: Path | bytes, limits: ArchiveLimits = DEFAULT_LIMITS) -> Iterator[Row | Refused]:
    """The rows of a data set in one order whenever it is read: by name, or as they stand in the table.

    A folder or a zip holds a folder per label (a zip may wrap them in one more), or pictures and a `labels.csv`, or
    nothing but one table. A CSV names files and labels, or holds pixels as Kaggle's MNIST does. JSONL holds pictures in
    base64. A file's kind is told by its suffix; bytes, and files without a suffix, by how they begin. Only one picture
    is in memory at a time. Raises DataSetRejected where the whole can't be used; single bad rows come as Refused.
    """
    found, labelled = False, False
    for row in _of_bytes(source, limits) if isinstance(source, bytes) else _of_path(source, limits):
        found = True
        labelled = labelled or isinstance(row, Row) or row.code != "label_missing"
        yield row
    if not found:
        raise DataSetRejected("data_empty", "There is no picture in it. Put labelled pictures there.")
    if not labelled:
        raise DataSetRejected(
            "labels_missing",
            f"No picture has a label: put each into a folder named after its label, or list all in {_TABLE}.",
        )


def _of_bytes(data: bytes, limits: ArchiveLimits) -> Iterator[Row | Refused]:
    def nothing_beside(name: str) -> BinaryIO:
        raise missing(name)

    return _of_file(io.BytesIO(data), "", nothing_beside, limits)


def _of_path(path: Path, limits: ArchiveLimits) -> Iterator[Row | Refused]:
    try:
        if path.is_dir():
            folder = Folder(path)
            yield from _of_tree(folder.names(), "", folder.open)
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


def _of_file(file: BinaryIO, suffix: str, beside: Open, limits: ArchiveLimits) -> Iterator[Row | Refused]:
    head = file.read(_HEAD)
    file.seek(0)
    kind = _kind(suffix, head)
    if kind == "zip":
        archive = Archive(file, limits)
        names = sorted(name for name in archive.names if not any(map(is_clutter, name.split("/"))))
        yield from _of_tree(names, _wrapper(names), _opener(archive))
    elif kind == "csv":
        yield from csv_table.rows(file, head, lambda name: _content(beside, name))
    else:
        yield from json_lines.rows(file)


def _kind(suffix: str, head: bytes) -> str:
    """Raises DataSetRejected for a file that none of the readers reads."""
    kinds = dict.fromkeys(_CSV, "csv") | dict.fromkeys(_JSONL, "jsonl") | dict.fromkeys(_ZIP, "zip")
    if suffix in kinds:
        return kinds[suffix]
    begin = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if not suffix:
        if not begin:
            raise DataSetRejected("data_empty", "The file is empty. Send one that holds labelled pictures.")
        if begin.startswith((b"PK\3\4", b"PK\5\6")):
            return "zip"
        if begin.startswith(b"{"):
            return "jsonl"
        line = begin.splitlines()[0]
        if _is_text(line) and csv_table.delimiter(line).encode() in line:
            return "csv"
    raise DataSetRejected("data_unknown_type", "This kind of file is not read. Give a folder, a zip, a CSV or a JSONL.")


def _is_text(line: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(line)  # a character may be cut at the end
    except UnicodeDecodeError:
        return False
    return not any(ord(character) < 32 and character != "\t" for character in text)


def _opener(archive: Archive) -> Open:
    names = frozenset(archive.names)

    def opened(name: str) -> BinaryIO:
        if name not in names:
            raise missing(name)
        return io.BytesIO(archive.read(name))

    return opened


def _wrapper(names: Sequence[str]) -> str:
    """The one folder, with its slash, that holds everything as macOS packs it; empty where the top holds the labels."""
    tops = {name.partition("/")[0] for name in names}
    if len(tops) != 1:
        return ""
    top = f"{tops.pop()}/"
    direct = [name.removeprefix(top).lower() for name in names if name.count("/") == 1]
    deeper = any(name.count("/") > 1 for name in names)
    return top if _TABLE in direct or (deeper and not any(name.endswith(_PICTURES) for name in direct)) else ""


def _of_tree(names: Sequence[str], top: str, opened: Open) -> Iterator[Row | Refused]:
    table = _table(names, top)
    if table is not None:
        folder, suffix = posixpath.dirname(table), posixpath.splitext(table)[1].lower()
        yield from _of_table(table, suffix, opened, lambda name: opened(posixpath.join(folder, name)))
        return
    for name in names:
        try:
            row = _in_label_folder(name, name.removeprefix(top), opened)
        except RowRejected as refusal:
            yield refusal.at(shown(name))
        else:
            yield row


def _in_label_folder(name: str, below_top: str, opened: Open) -> Row:
    label, slash, _ = below_top.partition("/")
    if not slash:
        raise RowRejected("label_missing", "The file is in no label's folder. Put it into one or take it out.")
    return Row(shown(name), label_of(label), _content(opened, name))


def _table(names: Sequence[str], top: str) -> str | None:
    """The table that says what the pictures are: `labels.csv` at the top, or the only file that there is."""
    if len(names) == 1 and names[0].lower().endswith((*_CSV, *_JSONL)):
        return names[0]
    return next((name for name in names if name.lower() == f"{top}{_TABLE}".lower()), None)


def _of_table(table: str, suffix: str, opened: Open, beside: Open) -> Iterator[Row | Refused]:
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
    return data
