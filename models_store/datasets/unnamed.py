"""A table without names: which end of its rows is the label, by what many rows hold."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models_store.datasets.columns import LABELS, Columns, no_labels, not_square, one_of, tells_rows_apart
from models_store.datasets.pixels import is_square, number, numbers, scale_of
from models_store.datasets.rows import RowRejected
from models_store.errors import DataSetRejected

_MOST_ONE_HOT = 64  # columns
# A corner of a picture is paper in nearly all, a label is mostly not paper's number
_CORNER, _APART, _NO_PIXEL = 0.6, 0.25, 0.1


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
    if not any(number(cell) is not None for cell in cells) or is_square(count):
        raise no_labels()
    if not is_square(count - 1):
        hot = _one_hot(cells)
        if hot:
            raise DataSetRejected(
                "labels_missing",
                f"The last {hot} columns hold one label together. Put it into one column, and call that label in the "
                "first line.",
            )
        raise no_labels() if count < 5 else not_square(count - 1)
    end = _end(rows)
    if end is None:
        raise DataSetRejected(
            "labels_missing",
            f"Whether the first or the last column holds the labels can't be told. Call it {one_of(LABELS)} in a first "
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
    """Whether none is a fraction or below 0, and they do not merely tell the rows apart."""
    values = [number(cell) for cell in cells]
    if any(value is not None and (value < 0 or value % 1) for value in values):
        return False
    return not tells_rows_apart(cells)


def _share(cells: Sequence[str], test: Callable[[float | None, Glimpse], bool], rows: Sequence[Glimpse]) -> float:
    return sum(test(number(cell), row) for cell, row in zip(cells, rows, strict=True)) / len(rows)


def _one_hot(cells: Sequence[str]) -> int:
    """How many columns at the end hold a 1 in one of them and 0 elsewhere, beside a square picture; 0 for none."""
    values = [number(cell) for cell in cells if cell.strip()]
    for count in range(2, min(_MOST_ONE_HOT, len(values) - 3)):
        last = values[-count:]
        if is_square(len(values) - count) and set(last) == {0, 1} and last.count(1) == 1:
            return count
    return 0
