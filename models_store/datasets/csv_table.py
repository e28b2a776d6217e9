"""A CSV of pictures' paths and labels, or of labels and pixels -> rows. A function that it is given opens the files."""

import csv
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import BinaryIO

import numpy as np

from models_store.datasets.lines import Lines
from models_store.datasets.rows import Refused, Row, RowRejected, label_of
from models_store.errors import DataSetRejected
from models_store.pictures.decode import to_png

Fetch = Callable[[str], bytes]  # relative name -> content, or RowRejected

_FILE_COLUMNS = ("file", "path", "image", "filename", "name")
_LABEL_COLUMNS = ("label", "class", "digit")
_PIXEL = re.compile(r"pixel_?\d+")
_DELIMITERS = (b",", b";", b"\t")  # the second is what spreadsheets write where the comma is the decimal sign
_MIN_SIDE = 2  # pixels: no picture has less


@dataclass(frozen=True)
class _Columns:
    """Where a row's parts are: the label, and either the file or the pixels."""

    count: int
    label: int
    file: int | None
    pixels: Sequence[int]

    def row(self, where: str, cells: list[str], fetch: Fetch) -> Row:
        """Raises RowRejected."""
        filled = len(cells)
        while filled > self.count and not cells[filled - 1].strip():
            filled -= 1
        if filled != self.count:
            known = "pixels_wrong_count" if self.file is None else "row_malformed"
            raise RowRejected(known, f"The line has {filled} columns instead of {self.count}. Check its separators.")
        label = label_of(cells[self.label])
        if self.file is not None:
            return Row(where, label, fetch(_relative(cells[self.file])))
        return Row(where, label, _picture([cells[i] for i in self.pixels]))


def rows(file: BinaryIO, head: bytes, fetch: Fetch) -> Iterator[Row | Refused]:
    """The table's rows in order; `head` is how the file begins. Raises DataSetRejected where no column is a label."""
    columns = None
    with Lines(file) as lines:
        for where, cells in _records(lines, delimiter(head)):
            if isinstance(cells, RowRejected):
                if columns is None:
                    raise DataSetRejected(cells.code, f"The first line can't be read. {cells}")
                yield cells.at(where)
                continue
            if columns is None:
                columns = _named(cells)
                if columns is not None:
                    continue
                columns = _unnamed(cells)
            try:
                yield columns.row(where, cells, fetch)
            except RowRejected as refusal:
                yield refusal.at(where)


def delimiter(head: bytes) -> str:
    """What separates columns: the commonest candidate of the first line that is not blank."""
    first = next((line for line in head.splitlines() if line.strip()), b"")
    return max(_DELIMITERS, key=first.count).decode()


def _records(lines: Lines, separator: str) -> Iterator[tuple[str, list[str] | RowRejected]]:
    """Every record that is not empty, and where it begins."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
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


def _named(cells: list[str]) -> _Columns | None:
    """The columns by their names; None where the line names none. Raises DataSetRejected."""
    names = [cell.strip().lower() for cell in cells]
    label = next((names.index(name) for name in _LABEL_COLUMNS if name in names), None)
    file = next((names.index(name) for name in _FILE_COLUMNS if name in names), None)
    if label is None:
        if file is not None:
            raise _no_labels()
        return None
    pixels = [i for i, name in enumerate(names) if _PIXEL.fullmatch(name)]
    if file is not None and not pixels:
        return _Columns(len(names), label, file, ())
    pixels = pixels or [i for i in range(len(names)) if i != label]
    if not _is_square(len(pixels)):
        if len(pixels) < _MIN_SIDE**2:
            raise DataSetRejected("columns_missing", f"The table names no file: call a column {_or(_FILE_COLUMNS)}.")
        raise DataSetRejected(
            "pixels_wrong_count", f"{len(pixels)} columns of pixels make no square picture. Give one for each pixel."
        )
    return _Columns(len(names), label, None, pixels)


def _unnamed(cells: list[str]) -> _Columns:
    """The columns of MNIST as CSV without a header: the label first. Raises DataSetRejected for any other table."""
    if not (_is_square(len(cells) - 1) and all(cell.strip().isdecimal() for cell in cells[1:])):
        raise _no_labels()
    return _Columns(len(cells), 0, None, range(1, len(cells)))


def _no_labels() -> DataSetRejected:
    names = f"{_or(_LABEL_COLUMNS)}, and the files' {_or(_FILE_COLUMNS)}"
    return DataSetRejected("labels_missing", f"No column holds labels. In the first line call it {names}.")


def _or(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _is_square(count: int) -> bool:
    return count >= _MIN_SIDE**2 and math.isqrt(count) ** 2 == count


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


def _picture(cells: list[str]) -> bytes:
    """A grey PNG. Raises RowRejected."""
    try:
        levels = bytes(map(int, cells))  # refuses what is no whole number and what is not 0..255
    except ValueError:
        raise RowRejected("pixel_invalid", "A pixel is no whole number from 0 to 255. Scale them to that.") from None
    side = math.isqrt(len(cells))
    return to_png(np.frombuffer(levels, np.uint8).reshape(1, side, side))
