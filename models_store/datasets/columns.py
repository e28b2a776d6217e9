"""Which column of a table is the label, which are the file or the pixels: by their names, or by what they hold."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from models_store.datasets.pixels import is_square, numbers, scale_of
from models_store.datasets.rows import RowRejected, shown
from models_store.errors import DataSetRejected

_FILES = ("file", "path", "image", "filename", "name")
_LABELS = ("label", "labels", "class", "target", "digit", "y")
_SPLITS = ("split", "subset", "partition", "set")
_INDEX = re.compile(r"|#|id|index|row|no|nr|imageid|unnamed: ?\d+")  # counts the rows; pandas writes it without a name
_PIXEL = re.compile(r"pixel[ _]?\d+(?:_\d+)?|\d+x\d+")
_NUMBERED = re.compile(r"[a-z _.-]+\d+(?:[x_.,]\d+)?|\d+(?:x\d+)?")
_MOST_ONE_HOT = 64  # columns
_FEW = 10  # rows: as many labels may stand in their order
# Of the pictures of a table without a header: a corner is paper in nearly all, a label is mostly not paper's number
_CORNER, _APART, _NO_PIXEL = 0.6, 0.25, 0.1


@dataclass(frozen=True)
class Columns:
    """Where a row's parts are: the label, and either the file or the pixels; `told` says which is the label."""

    count: int
    label: int
    file: int | None
    pixels: Sequence[int]
    told: str
    split: int | None = None


@dataclass(frozen=True)
class Glimpse:
    """What a row without names shows: its ends as they stand, and its other numbers' commonest and largest one."""

    first: str
    last: str
    paper: float
    largest: float


def seen(cells: Sequence[str]) -> Glimpse | None:
    """None where a number between the ends is none."""
    try:
        inner = numbers(cells[1:-1])
    except RowRejected:
        return None
    return Glimpse(
        cells[0].strip(), cells[-1].strip(), Counter(inner.tolist()).most_common(1)[0][0], float(inner.max())
    )


def named(cells: Sequence[str]) -> Columns | None:
    """The columns by their names in the first line; None where it is no header or only numbers its columns. Raises
    DataSetRejected."""
    names = [cell.strip().lower() for cell in cells]
    if not _is_header(names):
        return None
    label, file, split = (_first(names, known) for known in (_LABELS, _FILES, _SPLITS))
    if label is None and file is None:
        label = _only_other(names, split)
    if label is None:
        raise _no_labels()
    told = f"column {label + 1}, called {shown(cells[label].strip())}"
    wanted = _PIXEL if file is not None else _NUMBERED
    rest = [place for place in range(len(names)) if place not in (label, split)]
    numbered = [place for place in rest if wanted.fullmatch(names[place])]
    if file is not None and not numbered:
        return Columns(len(names), label, file, (), told, split)
    unnumbered = [place for place in rest if not _INDEX.fullmatch(names[place])]
    pixels = next((found for found in (numbered, unnumbered, rest) if is_square(len(found))), None)
    if pixels is None:
        count = len(numbered or unnumbered)
        if count < 4:
            raise DataSetRejected("columns_missing", f"The table names no file: call a column {_or(_FILES)}.")
        raise _not_square(count)
    return Columns(len(names), label, None, _in_order(pixels, names), told, split)


def is_numbering(cells: Sequence[str]) -> bool:
    """Whether the first line only counts the columns, as a program writes a table without names."""
    names = [cell.strip() for cell in cells]
    counted = [int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 9]
    return len(counted) > 4 and len(counted) >= len(names) - 1 and counted == list(
        range(counted[0], counted[0] + len(counted))
    )  # fmt: skip


def unnamed(cells: Sequence[str], rows: Sequence[Glimpse]) -> Columns:
    """The columns of a table without names: a label first or last, and pixels. `cells` are the first row, `rows` what
    it and others show. Raises DataSetRejected where it is another table, or where both ends could be the label.
    """
    count = len(cells)
    if not any(_number(cell) is not None for cell in cells) or is_square(count):
        raise _no_labels()
    if not is_square(count - 1):
        hot = _one_hot(cells)
        if hot:
            raise DataSetRejected(
                "labels_missing",
                f"The last {hot} columns hold one label together. Put it into one column, and call that label in the "
                "first line.",
            )
        raise _no_labels() if count < 5 else _not_square(count - 1)
    end = _end(rows)
    if end is None:
        raise DataSetRejected(
            "labels_missing",
            f"Whether the first or the last column holds the labels can't be told. Call it {_or(_LABELS)} in a first "
            "line that names all columns, such as label,pixel0,pixel1.",
        )
    told, pixels = ("first", range(1, count)) if end == 0 else ("last", range(count - 1))
    return Columns(count, end % count, None, pixels, f"column {end % count + 1}, the {told}, as its numbers say")


def _end(rows: Sequence[Glimpse]) -> int | None:
    """Which end of the rows is the label: 0, -1, or None where that can't be told."""
    if not rows:
        return None
    scale = scale_of([row.largest for row in rows])
    ends = {0: [row.first for row in rows], -1: [row.last for row in rows]}
    could = [end for end, cells in ends.items() if _could_be_label(cells)]
    sure = [
        end for end in could if _share(ends[end], lambda value, _: value is None or value > scale, rows) > _NO_PIXEL
    ]
    if len(sure) == 1:
        return sure[0]
    paper = {end: _share(cells, lambda value, row: value == row.paper, rows) for end, cells in ends.items()}
    fit = [end for end in could if paper[-1 - end] >= max(_CORNER, paper[end] + _APART)]
    return fit[0] if len(fit) == 1 and not sure else None


def _could_be_label(cells: Sequence[str]) -> bool:
    """Whether none is a fraction or below 0, and they do not merely count the rows."""
    values = [_number(cell) for cell in cells]
    if any(value is not None and (value < 0 or value % 1) for value in values):
        return False
    counted = [value for value in values if value is not None]
    return len(counted) <= _FEW or not all(before < after for before, after in pairwise(counted))


def _share(cells: Sequence[str], test: Callable[[float | None, Glimpse], bool], rows: Sequence[Glimpse]) -> float:
    return sum(test(_number(cell), row) for cell, row in zip(cells, rows, strict=True)) / len(rows)


def _number(cell: str) -> float | None:
    try:
        return float(numbers([cell])[0])
    except RowRejected:
        return None


def _is_header(names: Sequence[str]) -> bool:
    """Whether a line names columns: numbers in it stand once each, and are not all that it has."""
    words = [name for name in names if name]
    counted = [name for name in words if _number(name) is not None]
    return len(counted) < len(words) and len(set(counted)) == len(counted)


def _first(names: Sequence[str], known: Sequence[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)


def _only_other(names: Sequence[str], split: int | None) -> int | None:
    """The one column beside pixels that are numbered, as long as it does not count the rows."""
    others = [place for place, name in enumerate(names) if not _NUMBERED.fullmatch(name) and place != split]
    others = [place for place in others if not _INDEX.fullmatch(names[place])]
    numbered = sum(_NUMBERED.fullmatch(name) is not None for name in names)
    return others[0] if len(others) == 1 and is_square(numbered) else None


def _in_order(places: Sequence[int], names: Sequence[str]) -> Sequence[int]:
    """Pixels by the numbers in their names, where each has its own: programs sort pixel10 before pixel2."""
    keys = {place: tuple(map(int, re.findall(r"\d{1,9}", names[place]))) for place in places}
    return sorted(places, key=keys.__getitem__) if len(set(keys.values())) == len(places) else places


def _one_hot(cells: Sequence[str]) -> int:
    """How many columns at the end hold a 1 in one of them and 0 elsewhere, beside a square picture; 0 for none."""
    values = [_number(cell) for cell in cells if cell.strip()]
    for count in range(2, min(_MOST_ONE_HOT, len(values) - 3)):
        if is_square(len(values) - count) and sorted(values[-count:], key=lambda v: v or 0) == [0.0] * (count - 1) + [
            1
        ]:
            return count
    return 0


def _no_labels() -> DataSetRejected:
    names = f"{_or(_LABELS)}, and the files' {_or(_FILES)}"
    return DataSetRejected("labels_missing", f"No column holds labels. In the first line call it {names}.")


def _not_square(count: int) -> DataSetRejected:
    sentence = f"{count} columns of pixels make no square picture. Give one for each pixel"
    return DataSetRejected("pixels_wrong_count", f"{sentence}, one for the label, and name them in the first line.")


def _or(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
