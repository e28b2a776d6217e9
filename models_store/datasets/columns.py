"""Which column of a table is the label, which are the part, the file or the pixels: by their names in line 1."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from models_store.datasets.pixels import is_square, number, numbers
from models_store.datasets.rows import RowRejected
from models_store.datasets.splits import split_of, splits_of
from models_store.errors import DataSetRejected
from models_store.text import shown

LABELS = ("label", "labels", "class", "target", "digit", "y")
_FILES = ("file", "path", "image", "filename", "name")
_SPLITS = ("split", "subset", "partition", "set", "usage", "datasplit")
_PERHAPS_SPLITS = ("dataset", "fold", "phase")  # where a row of them names a part; they may name sources too
# Counts the rows or names them; pandas writes it without a name
_INDEX = re.compile(r"|index|idx|row|no|nr|(?:row|image|img|picture|file|sample|item)?id|sample|uuid|guid|unnamed:?\d+")
_PIXEL = re.compile(r"pixel[ _]?\d+(?:_\d+)?|\d+x\d+")
_NUMBERED = re.compile(r"[a-z _.-]+\d+(?:[x_.,]\d+)?|\d+(?:x\d+)?")
_BETWEEN = re.compile(r"[\s_-]")
_FEW = 10  # rows: as many labels may differ in all of them


@dataclass(frozen=True)
class Columns:
    """Where a row's parts are: the label, and either the file or the pixels; `told` says which is the label.

    What the names leave open, the rows have to confirm: whether a label that nobody called so is one, and whether a
    column of parts holds any.
    """

    count: int
    label: int
    file: int | None
    pixels: Sequence[int]
    told: str
    split: int | None = None
    is_label_open: bool = False
    is_split_open: bool = False


@dataclass(frozen=True)
class Shown:
    """What a row shows: its label, part and file as they stand, empty where it has none, and its largest pixel."""

    label: str
    split: str
    file: str
    largest: float


def shown_by(cells: Sequence[str], columns: Columns) -> Shown:
    """A row that has all columns; of one whose pixels can't be read, the largest is 0."""
    try:
        largest = float(numbers([cells[place] for place in columns.pixels]).max(initial=0))
    except RowRejected:  # which is told when the rows are read
        largest = 0.0
    split, file = ("" if place is None else cells[place].strip() for place in (columns.split, columns.file))
    return Shown(cells[columns.label].strip(), split, file.replace("\\", "/"), largest)


def named(cells: Sequence[str]) -> Columns | None:
    """The columns by their names in the first line; None where it is no header or only numbers its columns. Raises
    DataSetRejected."""
    names = [cell.strip(" #\t").lower() for cell in cells]  # numpy writes `# ` before the names
    if not _is_header(names):
        return None
    plain = [_BETWEEN.sub("", name) for name in names]
    split, perhaps = _first(plain, _SPLITS), _first(plain, _PERHAPS_SPLITS)
    is_split_open = split is None and perhaps is not None
    split = perhaps if split is None else split
    if split is None:
        _check_no_flags(plain, cells)
    label, file = (_first(names, known) for known in (LABELS, _FILES))
    is_label_open = label is None
    if label is None and file is None:
        label = _only_other(names, plain, split)
    if label is None:
        raise no_labels()
    told = f"column {label + 1}, called {shown(cells[label].strip())}"
    pixels = () if file is not None and not _are_pixels(names) else _pixels(names, plain, file, (label, split))
    return Columns(
        len(names), label, None if pixels else file, pixels, told, split, is_label_open, is_split_open
    )  # fmt: skip


def confirmed(columns: Columns, rows: Sequence[Shown]) -> Columns:
    """The columns after what some of the rows show. Raises DataSetRejected where the label only tells the rows apart,
    or where some files lie in a part of the data set and others in none."""
    if columns.is_label_open and tells_rows_apart([row.label for row in rows]):
        raise no_labels()
    if columns.is_split_open and not any(split_of(row.split) for row in rows):
        columns = replace(columns, split=None)
    if columns.split is None and columns.file is not None:
        parts = {bool(splits_of(row.file.split("/")[:-1])): row.file for row in rows if row.file}
        if len(parts) > 1:
            raise DataSetRejected(
                "layout_unclear",
                f"{shown(parts[True])} is in a part of the data set, and {shown(parts[False])} is in none. Add a "
                "column split that says train, validation or test.",
            )
    return columns


def tells_rows_apart(cells: Sequence[str]) -> bool:
    """Whether each of many rows has another one, as a counter or an identifier has, and no label."""
    return len(cells) > _FEW and len(set(cells)) == len(cells)


def no_labels() -> DataSetRejected:
    """What a table gets whose label is not found."""
    names = f"{one_of(LABELS)}, and the files' {one_of(_FILES)}"
    return DataSetRejected("labels_missing", f"No column holds labels. In the first line call it {names}.")


def not_square(count: int) -> DataSetRejected:
    """What a table gets that has so many columns of pixels."""
    sentence = f"{count} columns of pixels make no square picture. Give one for each pixel"
    return DataSetRejected("pixels_wrong_count", f"{sentence}, one for the label, and name them in the first line.")


def one_of(names: Sequence[str]) -> str:
    """The names as a choice."""
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _is_header(names: Sequence[str]) -> bool:
    """Whether a line names columns: numbers in it stand once each, and are not all that it has."""
    words = [name for name in names if name]
    counted = [name for name in words if number(name) is not None]
    return len(counted) < len(words) and len(set(counted)) == len(counted)


def _first(names: Sequence[str], known: Sequence[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)


def _check_no_flags(plain: Sequence[str], cells: Sequence[str]) -> None:
    """Refuses a column such as is_test, which would be passed over and its part be learned."""
    flags = (cell for name, cell in zip(plain, cells, strict=True) if name[:2] == "is" and split_of(name[2:]))
    flag = next(flags, None)
    if flag is not None:
        raise DataSetRejected(
            "split_unknown",
            f"The column {shown(flag.strip())} says which rows are in a part. Call it split, and write train, "
            "validation or test in each row.",
        )


def _only_other(names: Sequence[str], plain: Sequence[str], split: int | None) -> int | None:
    """The one column beside pixels that are numbered, as long as its name does not say that it counts the rows."""
    others = [place for place, name in enumerate(names) if not _NUMBERED.fullmatch(name) and place != split]
    others = [place for place in others if not _INDEX.fullmatch(plain[place])]
    numbered = sum(_NUMBERED.fullmatch(name) is not None for name in names)
    return others[0] if len(others) == 1 and is_square(numbered) else None


def _are_pixels(names: Sequence[str]) -> bool:
    return any(_PIXEL.fullmatch(name) for name in names)


def _pixels(
    names: Sequence[str], plain: Sequence[str], file: int | None, others: Sequence[int | None]
) -> Sequence[int]:
    """The columns of pixels in their order. Raises DataSetRejected."""
    wanted = _PIXEL if file is not None else _NUMBERED
    rest = [place for place in range(len(names)) if place not in others]
    numbered = [place for place in rest if wanted.fullmatch(names[place])]
    unnumbered = [place for place in rest if not _INDEX.fullmatch(plain[place])]
    pixels = next((found for found in (numbered, unnumbered, rest) if is_square(len(found))), None)
    if pixels is None:
        count = len(numbered or unnumbered)
        if count < 4:
            raise DataSetRejected("columns_missing", f"The table names no file: call a column {one_of(_FILES)}.")
        raise not_square(count)
    return _in_order(pixels, names)


def _in_order(places: Sequence[int], names: Sequence[str]) -> Sequence[int]:
    """Pixels by the numbers in their names, where each has its own: programs sort pixel10 before pixel2."""
    keys = {place: tuple(map(int, re.findall(r"\d{1,9}", names[place]))) for place in places}
    return sorted(places, key=keys.__getitem__) if len(set(keys.values())) == len(places) else places
