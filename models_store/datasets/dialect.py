"""How a table is written: what stands before its first line, and what separates its columns."""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from models_store.datasets.lines import Lines
from models_store.datasets.pixels import number
from models_store.datasets.rows import RowRejected

_SEPARATORS = (",", ";", "\t", "|")  # the second is what spreadsheets write where the comma is the decimal sign
_SAID = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # Excel's own first line
_NUMBERS = 5  # in a line: as many are no sentence


@dataclass(frozen=True)
class Dialect:
    """What separates columns, and how many lines there are before the table: blank ones, comments, Excel's `sep=;`."""

    separator: str = ","
    before: int = 0

    def records(self, lines: Lines) -> Iterator[list[str]]:
        """The cells of each record of a file that is at its beginning; it goes on after csv.Error and RowRejected."""
        for _ in range(self.before):
            with suppress(RowRejected):
                next(lines, "")
        return csv.reader(lines, delimiter=self.separator, strict=True, skipinitialspace=self.separator == " ")


def dialect(head: bytes) -> Dialect | None:
    """How a file that begins so is written; None where its first line is no text or has one column only."""
    begin = head.removeprefix(codecs.BOM_UTF8).splitlines()
    lines = [(place, line) for place, line in enumerate(map(_text, begin)) if line is None or line.strip()]
    if not lines:
        return None
    said = _SAID.fullmatch((lines[0][1] or "").strip("\r\n "))
    if said:
        lines = lines[1:]
    texts = [(place, line or "") for place, line in lines]
    table = [line for _, line in texts if not line.startswith("#")] or [line for _, line in texts[-1:]]
    if not table:
        return None
    separator = said[1] if said and said[1] in _SEPARATORS else _separator(table[:2])
    if separator is None:
        return None
    width = _width(table[0], separator)  # names may stand in a comment, as numpy writes them, and a label may be `#`
    place = next(place for place, line in texts if not line.startswith("#") or _width(line, separator) == width)
    return Dialect(separator, place)


def _text(line: bytes) -> str | None:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(line)  # a character may be cut at the end
    except UnicodeDecodeError:
        return None
    return text if not any(ord(character) < 32 and character != "\t" for character in text) else None


def _separator(lines: list[str]) -> str | None:
    """The commonest one of the first line; blanks only between numbers, as they stand in sentences and names too."""
    separator = max(_SEPARATORS, key=lines[0].count)
    if separator in lines[0]:
        return separator
    return " " if any(_are_numbers(line.split()) for line in lines) else None


def _are_numbers(words: Iterable[str]) -> bool:
    values = [number(word) for word in words]
    return len(values) >= _NUMBERS and None not in values


def _width(line: str, separator: str) -> int:
    return len(line.split(None if separator == " " else separator))
