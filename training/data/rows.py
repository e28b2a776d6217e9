"""Labelled pictures as tensors in memory, and how they are split."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models_store.errors import RecipeRejected

OUTLIER = -1  # the label of a row that shows none of them
DIGITS = tuple("0123456789")  # the labels of most data sets


@dataclass(frozen=True)
class Rows:
    """Pictures and what they show: uint8 [N, C, H, W] and int64 [N], indices into the data set's labels, or OUTLIER."""

    pictures: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: slice | Tensor) -> "Rows":
        return Rows(self.pictures[index], self.labels[index])


@dataclass(frozen=True)
class DataSet:
    """Everything of one source; `test` is looked at once, after training. `validation` only watches, where somebody has
    set it apart."""

    train: Rows
    test: Rows
    labels: tuple[str, ...]
    source: str
    validation: Rows | None = None

    def digest(self) -> str:
        """sha256 of the training pictures, their labels, the test pictures and theirs, and of the validation's."""
        whole = hashlib.sha256()
        for rows in filter(None, (self.train, self.test, self.validation)):
            whole.update(rows.pictures.contiguous().numpy().tobytes())
            whole.update(rows.labels.numpy().astype("<i8").tobytes())
        return whole.hexdigest()


def hold_out(rows: Rows, count: int, seed: int) -> tuple[Rows, Rows]:
    """Splits rows at random into (the rest, `count` held out). The same seed splits the same rows alike."""
    order = _order(rows, seed)
    return rows[order[count:]], rows[order[:count]]


def split(rows: Rows, share: float, seed: int) -> tuple[Rows, Rows]:
    """Splits rows at random into (the rest, about `share` of each label), both in random order.

    A label with two rows or more is on both sides; a single row stays in the rest. `share` is above 0 and below 1.
    """
    assert 0 < share < 1, "recipes see to it"
    order = _order(rows, seed)
    labels = rows.labels[order]
    taken = torch.zeros(len(rows), dtype=torch.bool)
    for label in labels.unique():
        places = (labels == label).nonzero()[:, 0]
        count = min(max(round(share * len(places)), 1), len(places) - 1)
        taken[places[:count]] = True
    return rows[order[~taken]], rows[order[taken]]


def folds(rows: Rows, k: int, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """(the rest, one part) for each of `k` parts that every row is in once, in random order.

    Parts differ by one row at most, and by one row of each label. Raises RecipeRejected for less than 2 parts and for
    more parts than rows.
    """
    if not 2 <= k <= len(rows):
        raise RecipeRejected(f"{len(rows)} rows make no {k} folds: take 2 or more, and at most one for each row.")
    order = _order(rows, seed)
    dealt = order[rows.labels[order].argsort(stable=True)]  # label by label: dealt out in turns, each goes to all parts
    part = torch.empty_like(dealt)
    part[dealt] = torch.arange(len(rows)) % k
    part = part[order]
    return ((rows[order[part != i]], rows[order[part == i]]) for i in range(k))


def shuffled(rows: Rows, seed: int) -> Rows:
    """All rows in random order; the same seed gives the same."""
    return rows[_order(rows, seed)]


def join(first: Rows, *others: Rows) -> Rows:
    """All rows one after another. They must have one shape and mean the same by their labels."""
    every = (first, *others)
    return Rows(torch.cat([rows.pictures for rows in every]), torch.cat([rows.labels for rows in every]))


def mixed(first: Rows, other: Rows, seed: int) -> Rows:
    """Both in one random order."""
    both = join(first, other)
    return both[_order(both, seed)]


def as_numpy(rows: Rows) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The same rows for code that knows no torch."""
    return rows.pictures.numpy(), rows.labels.numpy()


def _order(rows: Rows, seed: int) -> Tensor:
    return torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
