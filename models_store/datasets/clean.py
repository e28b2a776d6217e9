"""Rows -> prepared pictures without duplicates and contradictions, and a report."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models_store.datasets.passed_over import PassedOver
from models_store.datasets.rows import Item, Refused, Row, Split, TableRead
from models_store.errors import ImageRejected
from models_store.pictures.decode import Pixels
from models_store.pictures.prepare import Prepared, prepare
from models_store.specs import InputSpec

Prepare = Callable[[bytes, InputSpec, int], Prepared]

_MAX_EXAMPLES = 100
_MAX_PIXELS = 16_000_000  # as in serving
_MAX_NAMES = 5  # of files that were passed over for one reason
_STRICTER: tuple[Split | None, ...] = (None, "train", "validation", "test")  # a picture in two parts is in the last


@dataclass(frozen=True)
class Passed:
    """Files that are no rows for one reason, and the first names of them."""

    count: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class CleaningReport:
    """What became of a data set's rows: `rows` = `kept` + `duplicates` + `conflicting_labels` + all `refused`."""

    rows: int
    kept: int
    duplicates: int  # the same picture with the same label again
    conflicting_labels: int  # pictures that come with two labels; no copy is kept
    refused: Mapping[str, int]  # code -> rows
    examples: tuple[Refused, ...]  # the first hundred rows that were refused or contradict one before them
    per_label: Mapping[str, int]  # label -> pictures kept
    per_split: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # the same of each part, where there are
    label_column: str | None = None  # of a table, in words
    scale: str | None = None  # of a table's pixels: what they count to
    passed_over: Mapping[str, Passed] = field(default_factory=dict)  # reason -> files that are no rows

    @property
    def is_plain(self) -> bool:
        """Whether every row is a picture to learn from, and nothing beside them need be told."""
        beside = self.per_split or self.label_column or self.passed_over
        return self.kept == self.rows and not beside

    def __str__(self) -> str:
        """What people should know, in sentences."""
        return " ".join([self._usable(), *self._beside()])

    def _beside(self) -> Iterator[str]:
        if self.per_split:
            parts = (f"{name} {sum(counts.values()):,}" for name, counts in self.per_split.items())
            yield f"Parts: {', '.join(parts)}."
        if self.label_column:
            scale = f"; its pixels are {self.scale}" if self.scale else ""
            yield f"The table's label is {self.label_column}{scale}."
        if self.passed_over:
            found = (f"{passed.count:,} {reason} ({passed.names[0]})" for reason, passed in self.passed_over.items())
            yield f"Passed over: {', '.join(found)}."

    def _usable(self) -> str:
        left_out = {"duplicates": self.duplicates, "with two labels": self.conflicting_labels, **self.refused}
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items() if count)
        text = f"{self.kept:,} of {self.rows:,} pictures are usable"
        example = f", for example {self.examples[0].where}: {self.examples[0].why}" if self.examples else "."
        return f"{text}; left out: {reasons}{example}" if reasons else f"{text}."


@dataclass(frozen=True, eq=False)
class Cleaned:
    """Usable pictures, uint8 [N, C, H, W], in the order of their rows, and one label for each, and one part."""

    pictures: Pixels
    labels: tuple[str, ...]
    splits: tuple[Split | None, ...]  # of each picture; all None where the data set has no parts
    report: CleaningReport
    names: tuple[tuple[str, ...], ...] = ()  # of each picture, in the data set: its own and those of its duplicates


@dataclass
class _Alike:
    """All rows so far whose pixels are the same."""

    where: str
    label: str
    split: Split | None
    count: int = 0
    conflicts: bool = False
    names: list[str] = field(default_factory=list)


def clean(
    rows: Iterable[Item],
    spec: InputSpec,
    on_row: Callable[[int], None] | None = None,
    max_pixels: int = _MAX_PIXELS,
) -> Cleaned:
    """Prepares every picture as serving does, and keeps those that teach something.

    What counts as the same picture is decided on the prepared pixels. Blank pictures are refused as `image_blank`.
    One that is in two parts is kept in that which judges: `test` before `validation` before `train`. `on_row` hears
    after each row how many there were. Holds the pixels of all, and the file of one.
    """
    pixels = bytearray()
    seen, report = _counted(rows, spec, on_row, max_pixels, pixels.extend)
    stacked = np.frombuffer(pixels, np.uint8).reshape(len(seen), *spec.shape)
    good = np.array([not same.conflicts for same in seen], bool)
    kept = [same for same in seen if not same.conflicts]
    labels, splits = tuple(same.label for same in kept), tuple(same.split for same in kept)
    names = tuple(tuple(same.names) for same in kept)
    return Cleaned(stacked if good.all() else stacked[good], labels, splits, report, names)


def count(
    rows: Iterable[Item],
    spec: InputSpec,
    on_row: Callable[[int], None] | None = None,
    max_pixels: int = _MAX_PIXELS,
    prepared_by: Prepare = prepare,
) -> CleaningReport:
    """The report of `clean`, without holding the pixels of any picture but one.

    `prepared_by` prepares each picture as `prepare` does, perhaps elsewhere; what it raises but ImageRejected ends it.
    """
    return _counted(rows, spec, on_row, max_pixels, lambda _: None, prepared_by)[1]


def _counted(
    rows: Iterable[Item],
    spec: InputSpec,
    on_row: Callable[[int], None] | None,
    max_pixels: int,
    keep: Callable[[bytes], None],
    prepared_by: Prepare = prepare,
) -> tuple[list[_Alike], CleaningReport]:
    """The different pictures in the order in which `keep` hears their pixels, and the report."""
    seen: dict[bytes, _Alike] = {}
    refused: Counter[str] = Counter()
    examples: list[Refused] = []
    beside = _Asides()
    number = 0
    for row in rows:
        if isinstance(row, PassedOver | TableRead):
            beside.note(row)
            continue
        number += 1
        found = row if isinstance(row, Refused) else _prepared(row, prepared_by, spec, max_pixels)
        if isinstance(found, Refused):
            refused[found.code] += 1
            examples.append(found)
        else:
            assert isinstance(row, Row)
            raw = found.tobytes()
            known = seen.setdefault(hashlib.sha256(raw).digest(), _Alike(row.where, row.label, row.split))
            known.count += 1
            known.names.append(row.name)
            if known.count == 1:
                keep(raw)
            known.split = max(known.split, row.split, key=_STRICTER.index)
            if known.label != row.label:
                known.conflicts = True
                why = f"It is the same picture as {known.where}, whose label is {known.label}. Correct one of them."
                examples.append(Refused(row.where, "conflicting_labels", why))
        del examples[_MAX_EXAMPLES:]
        if on_row is not None:
            on_row(number)
    every = list(seen.values())
    return every, CleaningReport(**_of_rows(every, number, refused, tuple(examples)), **beside.facts())


def _prepared(row: Row, prepared_by: Prepare, spec: InputSpec, max_pixels: int) -> Pixels | Refused:
    try:
        prepared = prepared_by(row.data, spec, max_pixels)
    except ImageRejected as refusal:
        return Refused(row.where, refusal.code, str(refusal))
    if prepared.is_blank:
        return Refused(row.where, "image_blank", "Nothing is written on the picture. Take it out.")
    return prepared.pixels


def _of_rows(seen: list[_Alike], rows: int, refused: Counter[str], examples: tuple[Refused, ...]) -> dict[str, Any]:
    kept = [same for same in seen if not same.conflicts]
    parts: dict[str, Counter[str]] = {}
    if any(same.split for same in seen):
        for same in kept:
            parts.setdefault(same.split or "train", Counter())[same.label] += 1
    return {
        "rows": rows,
        "kept": len(kept),
        "duplicates": sum(same.count - 1 for same in kept),
        "conflicting_labels": sum(same.count for same in seen if same.conflicts),
        "refused": dict(refused),
        "examples": examples,
        "per_label": dict(Counter(same.label for same in kept)),
        "per_split": {name: dict(counts) for name, counts in parts.items()},
    }


class _Asides:
    """What a reader tells beside the rows, for the report."""

    def __init__(self) -> None:
        self._table: TableRead | None = None
        self._passed: dict[str, Passed] = {}

    def note(self, told: PassedOver | TableRead) -> None:
        if isinstance(told, TableRead):
            self._table = told
            return
        known = self._passed.get(told.reason, Passed(0, ()))
        names = (*known.names, told.name)[:_MAX_NAMES]
        self._passed[told.reason] = Passed(known.count + 1, names)

    def facts(self) -> dict[str, Any]:
        """The report's fields."""
        known = {} if self._table is None else vars(self._table)
        return {**known, "passed_over": self._passed}
