"""What people call the parts of a data set: in folders, in a column of a table, in JSON."""

import re
from collections.abc import Collection, Iterable, Mapping

from models_store.datasets.rows import RowRejected, Split
from models_store.text import shown

_NAMES: Mapping[Split, str] = {
    "train": "train|training",
    "validation": "val|valid|validate|validation|validating|dev|development|public[ _-]?test",  # Kaggle's FER2013
    "test": "test|testing|eval|evaluate|evaluation|private[ _-]?test",
}
_SPLITS = {split: re.compile(rf"(?:{names})(?:[ _-]?(?:set|split|data|images))?") for split, names in _NAMES.items()}
_JUDGING: tuple[Split, ...] = ("test", "validation", "train")
_LONGEST = 40  # characters of a word that a refusal names


def split_of(name: str) -> Split | None:
    """The part of a data set that a folder's name means; None for any other name."""
    text = name.strip().casefold()
    return next((split for split, names in _SPLITS.items() if names.fullmatch(text)), None)


def splits_of(folders: Iterable[str]) -> set[Split]:
    """The parts that a path's folders name."""
    return {split for folder in folders if (split := split_of(folder))}


def split_called(text: str) -> Split | None:
    """The part that a row says it is in; None where it says nothing. Raises RowRejected for a word that is no part."""
    split = split_of(text)
    if split is None and text.strip():
        word = shown(text.strip()[:_LONGEST])
        raise RowRejected("split_unknown", f'"{word}" is no part: write train, validation or test.')
    return split


def judging_part(parts: Collection[str], first: Split) -> Split:
    """Of the parts that a data set has, the one to judge by: `first`, otherwise the next of test, validation and train.
    What has no parts is all `train`."""
    return next(part for part in (first, *_JUDGING) if part in parts)
