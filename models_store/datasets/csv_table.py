"""A CSV of pictures' paths and labels, or of labels and pixels -> rows. A function that it is given opens the files."""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath, PureWindowsPath
from typing import BinaryIO

from models_store.datasets.columns import Columns, Shown, confirmed, named, shown_by
from models_store.datasets.dialect import Dialect, dialect
from models_store.datasets.lines import Lines
from models_store.datasets.pixels import numbers, picture, scale_of
from models_store.datasets.rows import Item, Row, RowRejected, Split, TableRead, label_of
from models_store.datasets.splits import split_called, splits_of
from models_store.datasets.unnamed import Glimpse, is_numbering, seen, unnamed
from models_store.errors import DataSetRejected

Fetch = Callable[[str], bytes]  # relative name -> content, or RowRejected

_Record = tuple[str, list[str] | RowRejected]  # where it begins, and its cells
_MOST_COLUMNS = 2**18 + 100  # 512x512 pixels, the most that a recipe's input may have, and what stands beside them
# Rows that are looked at to tell columns and scale: the first thousand, and then each twentieth, as tables are sorted
_CLOSELY, _EACH, _LOOKED_AT = 1_000, 20, 70_000
_WHOLE = re.compile(r"\d{1,9}\.0*|\d\.\d*e\+?0?\d", re.IGNORECASE)  # a label that a program of floats has written


@dataclass(frozen=True)
class _Plan:
    """How the rows of a table are read."""

    columns: Columns
    scale: int
    header: bool  # its first line is no row

    def row(self, where: str, cells: list[str], fetch: Fetch) -> Row:
        """Raises RowRejected."""
        wanted, filled = self.columns, len(cells)
        while filled > wanted.count and not cells[filled - 1].strip():
            filled -= 1
        if filled != wanted.count:
            known = "pixels_wrong_count" if wanted.file is None else "row_malformed"
            raise RowRejected(known, f"The line has {filled} columns instead of {wanted.count}. Check its separators.")
        if wanted.file is not None:
            file = _relative(cells[wanted.file])
            label, data = label_of(cells[wanted.label]), fetch(file)
            return Row(where, label, data, self._split(cells) or _split_of_path(file), file)
        label = label_of(_whole(cells[wanted.label]))
        return Row(where, label, picture(numbers([cells[i] for i in wanted.pixels]), self.scale), self._split(cells))

    def _split(self, cells: list[str]) -> Split | None:
        """Raises RowRejected. Asked last: a picture that is refused for it is named in the table all the same."""
        return None if self.columns.split is None else split_called(cells[self.columns.split])


def rows(file: BinaryIO, head: bytes, fetch: Fetch) -> Iterator[Item]:
    """How the table was read, then its rows in order; `head` is how the file begins. Reads the file twice where the
    table holds pixels. Raises DataSetRejected where it can't be told which column is the label."""
    written = dialect(head) or Dialect()
    table = _looked_at(file, written)
    if table is None:
        return
    scale = None if table.columns.file is not None else f"0..{table.scale}"
    yield TableRead(table.columns.told, scale)
    file.seek(0)
    with Lines(file) as lines:
        for where, cells in islice(_records(lines, written), int(table.header), None):
            try:
                if isinstance(cells, RowRejected):
                    raise cells
                yield table.row(where, cells, fetch)
            except RowRejected as refusal:
                yield refusal.at(where)


def _looked_at(file: BinaryIO, written: Dialect) -> _Plan | None:
    """None where the table has no line. Raises DataSetRejected."""
    with Lines(file) as lines:
        records = _records(lines, written)
        _, first = next(records, ("", None))
        if first is None:
            return None
        if isinstance(first, RowRejected):
            raise DataSetRejected(first.code, f"The first line can't be read. {first}")
        if len(first) > _MOST_COLUMNS:
            raise DataSetRejected(
                "pixels_wrong_count", f"The table has more than {_MOST_COLUMNS:,} columns. Scale the pictures down."
            )
        if len(_filled(first)) == 1:
            raise DataSetRejected("columns_missing", "The table has only one column. Separate the columns by commas.")
        known = named(first)
        if known is not None:
            rows = list(_under(known, records))
            return _Plan(confirmed(known, rows), scale_of([row.largest for row in rows]), header=True)
        header = is_numbering(first)
        row = next((cells for _, cells in records if not isinstance(cells, RowRejected)), first) if header else first
        row = _filled(row)
        looks = [look for look in _looks(row, records) if look is not None]
        return _Plan(unnamed(row, looks), scale_of([look.largest for look in looks]), header)


def _under(known: Columns, records: Iterator[_Record]) -> Iterator[Shown]:
    """What some rows show under the names of their columns: the first ones, where pixels and nothing else is asked."""
    some = _some(records) if known.file is not None or known.is_split_open else _some(islice(records, _CLOSELY))
    return (shown_by(cells, known) for cells in some if len(cells) >= known.count)


def _looks(row: list[str], records: Iterator[_Record]) -> Iterator[Glimpse | None]:
    """What the first row and those after it show, some of them."""
    yield seen(row)
    for cells in map(_filled, _some(records)):
        yield seen(cells) if len(cells) == len(row) else None


def _some(records: Iterator[_Record]) -> Iterator[list[str]]:
    """The cells of those rows that are looked at before any is read."""
    for number, (_, cells) in enumerate(islice(records, _LOOKED_AT)):
        if not isinstance(cells, RowRejected) and (number < _CLOSELY or number % _EACH == 0):
            yield cells


def _filled(cells: list[str]) -> list[str]:
    """The cells without the empty ones at the end."""
    return cells[: max(number for number, cell in enumerate(cells, 1) if cell.strip())]


def _records(lines: Lines, written: Dialect) -> Iterator[_Record]:
    """Every record that is not empty, and where it begins."""
    reader = written.records(lines)
    while True:
        where = f"line {lines.number + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield where, RowRejected("row_malformed", "The line is no valid CSV. Check its quotation marks.")
        except RowRejected as refusal:
            yield where, refusal
        else:
            if any(cell.strip() for cell in cells):
                yield where, cells


def _whole(text: str) -> str:
    """A label as it was before a program wrote it as a float; any other as it is."""
    return str(int(float(text))) if _WHOLE.fullmatch(text.strip()) and float(text) % 1 == 0 else text


def _relative(text: str) -> str:
    """A path with slashes that can't leave the table's folder by its spelling. Raises RowRejected."""
    name = text.strip().replace("\\", "/")
    if not name:
        raise RowRejected("file_missing", "The row names no file. Name one or take the row out.")
    if any(ord(character) < 32 for character in name):
        raise RowRejected("file_missing", "The file's name has control characters. Check the quotation marks.")
    path = PurePosixPath(name)
    if path.is_absolute() or PureWindowsPath(name).drive or ".." in path.parts:
        raise RowRejected("path_outside", "The path leads out of the table's folder. Name files relative to it.")
    return str(path)


def _split_of_path(name: str) -> Split | None:
    """The part that a file lies in, as its folders say. Raises RowRejected where they name several."""
    found = splits_of(name.split("/")[:-1])
    if len(found) > 1:
        why = f"The file is in {' and '.join(sorted(found))} at once. Add a column split that says which it is."
        raise RowRejected("split_unknown", why)
    return next(iter(found), None)
