"""A folder of people's own pictures, with a `labels.csv` that says what is on each."""

import csv
from dataclasses import dataclass
from pathlib import Path

SINGLE, ROW, OTHER = "single", "row", "other"
LEFT_OUT = ("printed", "odd")  # no handwriting, or not as a person would send it: listed, never counted
_KINDS = (SINGLE, ROW, OTHER, *LEFT_OUT)
_COLUMNS = ("file", "kind", "label")


class BadFolder(Exception):
    """A sentence that says what to do about the folder."""


@dataclass(frozen=True)
class Labelled:
    """One picture: its bytes and what a person sees on it. A row's label are its digits, line by line, no spaces."""

    name: str
    data: bytes
    kind: str
    label: str
    note: str  # how it was made: photo, drawn, tiny

    @property
    def is_single(self) -> bool:
        """Whether one digit is on it."""
        return self.kind == SINGLE


def read(folder: Path) -> list[Labelled]:
    """All pictures that `labels.csv` names, in its order. Raises BadFolder."""
    table = folder / "labels.csv"
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file)
            missing = [column for column in _COLUMNS if column not in (lines.fieldnames or ())]
            if missing:
                raise BadFolder(
                    f"{table} has no column {', '.join(missing)}: write file,kind,label,source,licence,note first."
                )
            found = [_one(folder, line, f"{table}, line {lines.line_num}") for line in lines]
    except OSError:
        raise BadFolder(
            f"{table} can't be read: write one with the columns file,kind,label,source,licence,note, a line a picture."
        ) from None
    except (UnicodeDecodeError, csv.Error):
        raise BadFolder(f"{table} is no CSV file in UTF-8: save it anew as one.") from None
    if not found:
        raise BadFolder(f"{table} names no picture: add a line for each.")
    return found


def _one(folder: Path, line: dict[str, str | None], place: str) -> Labelled:
    name, kind, label, note = ((line.get(key) or "").strip() for key in ("file", "kind", "label", "note"))
    if not name:
        raise BadFolder(f"{place}: no file is named. Name one, or delete the line.")
    if kind not in _KINDS:
        raise BadFolder(f"{place}: the kind {kind!r} is not known. Write one of {', '.join(_KINDS)}.")
    if kind in (SINGLE, ROW) and not (label.isascii() and label.isdigit()):
        raise BadFolder(f"{place}: the label {label!r} is no digits. Write those that are on the picture, no spaces.")
    if kind == SINGLE and len(label) > 1:
        raise BadFolder(f"{place}: a single has one digit, this one has {len(label)}. Call it a row.")
    try:
        data = (folder / name).read_bytes()
    except OSError:
        raise BadFolder(f"{place}: {name} can't be read. Put it into the folder, or delete the line.") from None
    # What was noticed stands before it: "has EXIF; photo".
    return Labelled(name, data, kind, label, note.rpartition(";")[2].strip() or "no note")
