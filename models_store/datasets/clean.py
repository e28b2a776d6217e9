"""Rows -> prepared pictures without duplicates and contradictions, and a report."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from models_store.datasets.rows import Refused, Row
from models_store.errors import ImageRejected
from models_store.pictures.decode import Pixels
from models_store.pictures.prepare import prepare
from models_store.specs import InputSpec

_MAX_EXAMPLES = 100
_MAX_PIXELS = 16_000_000  # as in serving


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

    def __str__(self) -> str:
        """One sentence for people."""
        left_out = {"duplicates": self.duplicates, "with two labels": self.conflicting_labels, **self.refused}
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items() if count)
        text = f"{self.kept:,} of {self.rows:,} pictures are usable"
        example = f", for example {self.examples[0].where}: {self.examples[0].why}" if self.examples else "."
        return f"{text}; left out: {reasons}{example}" if reasons else f"{text}."


@dataclass(frozen=True, eq=False)
class Cleaned:
    """Usable pictures, uint8 [N, C, H, W], in the order of their rows, and one label for each."""

    pictures: Pixels
    labels: tuple[str, ...]
    report: CleaningReport


@dataclass
class _Alike:
    """All rows so far whose pixels are the same."""

    where: str
    label: str
    count: int = 0
    conflicts: bool = False


def clean(
    rows: Iterable[Row | Refused],
    spec: InputSpec,
    on_row: Callable[[int], None] | None = None,
    max_pixels: int = _MAX_PIXELS,
) -> Cleaned:
    """Prepares every picture as serving does, and keeps those that teach something.

    What counts as the same picture is decided on the prepared pixels. Blank pictures are refused as `image_blank`.
    `on_row` hears after each row how many there were. Holds the pixels of all, and the file of one.
    """
    pixels = bytearray()
    seen, report = _counted(rows, spec, on_row, max_pixels, pixels.extend)
    stacked = np.frombuffer(pixels, np.uint8).reshape(len(seen), *spec.shape)
    good = np.array([not same.conflicts for same in seen], bool)
    labels = tuple(same.label for same in seen if not same.conflicts)
    return Cleaned(stacked if good.all() else stacked[good], labels, report)


def count(
    rows: Iterable[Row | Refused],
    spec: InputSpec,
    on_row: Callable[[int], None] | None = None,
    max_pixels: int = _MAX_PIXELS,
) -> CleaningReport:
    """The report of `clean`, without holding the pixels of any picture but one."""
    return _counted(rows, spec, on_row, max_pixels, lambda _: None)[1]


def _counted(
    rows: Iterable[Row | Refused],
    spec: InputSpec,
    on_row: Callable[[int], None] | None,
    max_pixels: int,
    keep: Callable[[bytes], None],
) -> tuple[list[_Alike], CleaningReport]:
    """The different pictures in the order in which `keep` hears their pixels, and the report."""
    seen: dict[bytes, _Alike] = {}
    refused: Counter[str] = Counter()
    examples: list[Refused] = []
    number = 0
    for number, row in enumerate(rows, 1):
        found = row if isinstance(row, Refused) else _prepared(row, spec, max_pixels)
        if isinstance(found, Refused):
            refused[found.code] += 1
            examples.append(found)
        else:
            assert isinstance(row, Row)
            raw = found.tobytes()
            known = seen.setdefault(hashlib.sha256(raw).digest(), _Alike(row.where, row.label))
            known.count += 1
            if known.count == 1:
                keep(raw)
            if known.label != row.label:
                known.conflicts = True
                why = f"It is the same picture as {known.where}, whose label is {known.label}. Correct one of them."
                examples.append(Refused(row.where, "conflicting_labels", why))
        del examples[_MAX_EXAMPLES:]
        if on_row is not None:
            on_row(number)
    return list(seen.values()), _report(list(seen.values()), number, refused, tuple(examples))


def _prepared(row: Row, spec: InputSpec, max_pixels: int) -> Pixels | Refused:
    try:
        prepared = prepare(row.data, spec, max_pixels)
    except ImageRejected as refusal:
        return Refused(row.where, refusal.code, str(refusal))
    if prepared.is_blank:
        return Refused(row.where, "image_blank", "Nothing is written on the picture. Take it out.")
    return prepared.pixels


def _report(seen: list[_Alike], rows: int, refused: Counter[str], examples: tuple[Refused, ...]) -> CleaningReport:
    kept = [same for same in seen if not same.conflicts]
    return CleaningReport(
        rows=rows,
        kept=len(kept),
        duplicates=sum(same.count - 1 for same in kept),
        conflicting_labels=sum(same.count for same in seen if same.conflicts),
        refused=dict(refused),
        examples=examples,
        per_label=dict(Counter(same.label for same in kept)),
    )
