"""A person's own labelled files, in the parts that they come in: those to learn from, and those that only judge."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from models_store.datasets.archive import ArchiveLimits
from models_store.datasets.clean import Cleaned, CleaningReport, clean
from models_store.datasets.formats import read
from models_store.datasets.rows import Item, Row, Split
from models_store.datasets.splits import judging_part, split_of
from models_store.errors import DataSetRejected
from models_store.specs import InputSpec
from training.data.rows import Rows

_LEAST = 5  # pictures of each label: four to learn from, one to test
_SHOWN = 5  # rows and labels that a refusal names
_LIMITS = ArchiveLimits(max_entries=1_000_000, max_expanded_bytes=16 * 2**30)  # of people's own machines

Tell = Callable[[str], None]


def unheard(_: str) -> None:
    """For whoever tells nobody."""


@dataclass(frozen=True)
class Parts:
    """Usable pictures by the part that they are in, in the files' order; files without parts are all `train`."""

    rows: Mapping[Split, Rows]
    labels: tuple[str, ...]
    report: CleaningReport
    names: Sequence[tuple[Split, tuple[str, ...]]]  # of all pictures: the part, and what it and its copies are called

    @property
    def train_names(self) -> list[tuple[str, ...]]:
        """What each picture to learn from, and its copies, are called in the data set."""
        return [names for part, names in self.names if part == "train"]

    @property
    def train(self) -> Rows:
        """The pictures to learn from. Raises DataSetRejected where there is none."""
        if "train" not in self.rows:
            parts = " and ".join(self.rows)
            raise DataSetRejected(
                "too_few_examples", f"All pictures are in {parts}, which only judges: put some to learn from in train."
            )
        return self.rows["train"]

    def check_labels(self, train: Rows, why: str = "") -> None:
        """Raises DataSetRejected (`too_few_examples`) for less than 2 labels or less than 5 pictures of one in `train`;
        `why` says how many judge instead."""
        if len(self.labels) < 2:
            raise DataSetRejected("too_few_examples", f"Pictures of two labels or more are needed. {self.report}")
        counts = train.labels.bincount(minlength=len(self.labels)).tolist()
        short = {label: _LEAST - count for label, count in zip(self.labels, counts, strict=True) if count < _LEAST}
        if short:
            missing = ", ".join(f"{count} of {label!r}" for label, count in short.items())
            sentence = f"Each label needs {_LEAST} pictures: add at least {missing}"
            instead = f", or let others judge. {why}" if why else "."
            raise DataSetRejected("too_few_examples", sentence + instead)


@dataclass(frozen=True)
class Apart:
    """Pictures to learn from, and those that only judge, none of which is among the first."""

    train: Rows
    judges: Mapping[Split, Rows]
    left_out: str  # how many were to be learned but judge, as a sentence; empty where none was


def own(path: Path, picture: InputSpec) -> Parts:
    """Files with labels of their own: those of the pictures to learn from, numbers first, by value, then by letters.

    Raises DataSetRejected where the files can't be used, as `label_unknown` where a picture that judges has another.
    """
    cleaned = clean(read(path, _LIMITS), picture)
    _check_any(cleaned)
    learned = [label for label, split in zip(cleaned.labels, cleaned.splits, strict=True) if _part(split) == "train"]
    labels = tuple(sorted(set(learned or cleaned.labels), key=_naturally))
    unknown = sorted(set(cleaned.labels) - set(labels), key=_naturally)
    if unknown:
        raise DataSetRejected(
            "label_unknown",
            f"No picture to learn from has the label {_listed(unknown)}, and some that judge have it: add some to "
            "train, or take these out.",
        )
    return _parts(cleaned, labels)


def labelled(path: Path, picture: InputSpec, labels: tuple[str, ...]) -> Parts:
    """Files for a version that has its labels already.

    Raises DataSetRejected where the files can't be used: as `label_unknown` where a row has another label, and as
    `too_few_examples` where no picture is usable.
    """
    wheres_of: dict[str, list[str]] = {}
    cleaned = clean(_noted(read(path, _LIMITS), labels, wheres_of), picture)
    usable = set(cleaned.labels)
    unknown = {label: wheres for label, wheres in wheres_of.items() if label in usable}
    if unknown:
        wheres = [where for rows in unknown.values() for where in rows][:_SHOWN]
        raise DataSetRejected(
            "label_unknown",
            f"The version does not know {_listed(sorted(unknown, key=_naturally))}, as in "
            f"{', '.join(wheres)}: correct these rows, or train a model of its own on these labels.",
        )
    _check_any(cleaned)
    return _parts(cleaned, labels)


def apart(own: Parts, picture: InputSpec, asked: Mapping[Split, str], tell: Tell = unheard) -> Apart:
    """The pictures to learn from without those that judge, as `judges` says. `tell` hears what became of the files and
    how many are left out because they judge. Raises DataSetRejected."""
    if not own.report.is_plain:
        tell(f"{own.report} Only train is learned." if own.report.per_split else str(own.report))
    found = judges(own, picture, asked, tell)
    train, left_out = without(own.train, *found.values()), ""
    if len(train) < len(own.train):
        count, whole = len(own.train) - len(train), len(own.train)
        left_out = f"Not learned from, as pictures that judge are the same: {count:,} of {whole:,} pictures."
        tell(left_out)
    return Apart(train, found, left_out)


def judges(parts: Parts, picture: InputSpec, asked: Mapping[Split, str], tell: Tell = unheard) -> dict[Split, Rows]:
    """The pictures that judge: what is asked for each part, otherwise the part that the files have, where they do.

    Asked for is another part of the same files by its name, or a path of other labelled files; of those the same part
    is taken where they have parts. A name of a part that the files do not have may be a path too. `tell` hears what
    there is to say of other files. Raises DataSetRejected.
    """
    named = {split_of(text) for text in asked.values()}
    found: dict[Split, Rows] = {}
    for part, text in asked.items():
        other = split_of(text)
        if other is not None and other != "train" and other in parts.rows:
            found[part] = parts.rows[other]
        elif other == "train" or (other is not None and not Path(text).exists()):
            raise _not_judging(text, other, part, parts)
        elif text:
            found[part] = _elsewhere(Path(text), picture, parts.labels, part, tell)
        elif part in parts.rows and part not in named:
            found[part] = parts.rows[part]
    return found


def without(rows: Rows, *others: Rows) -> Rows:
    """The rows whose pictures are in none of the others: what was learned by heart says nothing."""
    seen = {picture.tobytes() for other in others for picture in other.pictures.numpy()}
    new = [picture.tobytes() not in seen for picture in rows.pictures.numpy()]
    return rows[torch.tensor(new, dtype=torch.bool)] if seen else rows


def _elsewhere(path: Path, picture: InputSpec, labels: tuple[str, ...], part: Split, tell: Tell) -> Rows:
    try:
        found = labelled(path, picture, labels)
    except DataSetRejected as refusal:
        raise DataSetRejected(refusal.code, f"Of the {part} data: {refusal}") from None
    if not found.report.is_plain:
        tell(f"Of the {part} data: {found.report}")
    return found.rows[judging_part(found.rows, part)]


def _not_judging(text: str, named: Split, part: Split, parts: Parts) -> DataSetRejected:
    """What those hear who name a part that can't judge."""
    others = [name for name in parts.rows if name != "train"]
    has = f"it has {' and '.join(others)}" if others else "all of it is there to be learned"
    missing = f"The data has no part {named}: {has}."
    why = "What is in train is learned, and can't judge." if named == "train" else missing
    return DataSetRejected("data_missing", f"Of the {part} data: {why} A folder or file of that name is ./{text}.")


def _check_any(cleaned: Cleaned) -> None:
    if not cleaned.labels:
        raise DataSetRejected("too_few_examples", f"No picture can be used. {cleaned.report}")


def _part(split: Split | None) -> Split:
    return split or "train"


def _parts(cleaned: Cleaned, labels: tuple[str, ...]) -> Parts:
    names = list(zip(map(_part, cleaned.splits), cleaned.names, strict=True))
    return Parts(_rows(cleaned, labels), labels, cleaned.report, names)


def _rows(cleaned: Cleaned, labels: tuple[str, ...]) -> Mapping[Split, Rows]:
    numbers = {label: number for number, label in enumerate(labels)}
    every = Rows(
        torch.from_numpy(cleaned.pictures),
        torch.tensor([numbers[label] for label in cleaned.labels], dtype=torch.int64),
    )
    counts = Counter(map(_part, cleaned.splits))
    if len(counts) == 1:
        return {next(iter(counts)): every}
    splits = np.array([_part(split) for split in cleaned.splits])
    return {part: every[torch.from_numpy(splits == part)] for part in counts}


def _noted(rows: Iterable[Item], labels: tuple[str, ...], wheres_of: dict[str, list[str]]) -> Iterator[Item]:
    """All items; notes by the way where the first rows with each other label are. Only usable ones will count."""
    for row in rows:
        if isinstance(row, Row) and row.label not in labels:
            wheres = wheres_of.setdefault(row.label, [])
            if len(wheres) < _SHOWN:
                wheres.append(row.where)
        yield row


def _naturally(label: str) -> tuple[int, int, str]:
    is_number = label.isascii() and label.isdigit()
    return (0, int(label), label) if is_number else (1, 0, label)


def _listed(labels: list[str]) -> str:
    more = len(labels) - _SHOWN
    return ", ".join(map(repr, labels[:_SHOWN])) + (f" and {more:,} more labels" if more > 0 else "")
