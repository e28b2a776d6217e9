"""Labelled pictures as tensors in memory, and how they are split. It knows neither where they lie nor any net."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Rows:
    """Pictures and what they show: uint8 [N, C, H, W] and int64 [N], indices into the data set's labels."""

    pictures: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: slice | Tensor) -> "Rows":
        return Rows(self.pictures[index], self.labels[index])


@dataclass(frozen=True)
class DataSet:
    """Everything of one source; `test` is looked at once, after training."""

    train: Rows
    test: Rows
    labels: tuple[str, ...]
    source: str

    def digest(self) -> str:
        """sha256 of the training pictures, their labels, the test pictures and theirs."""
        whole = hashlib.sha256()
        for rows in (self.train, self.test):
            whole.update(rows.pictures.contiguous().numpy().tobytes())
            whole.update(rows.labels.numpy().astype("<i8").tobytes())
        return whole.hexdigest()


def hold_out(rows: Rows, count: int, seed: int) -> tuple[Rows, Rows]:
    """Splits rows at random into (the rest, `count` held out). The same seed splits the same rows alike."""
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
    return rows[order[count:]], rows[order[:count]]


def as_numpy(rows: Rows) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The same rows for code that knows no torch."""
    return rows.pictures.numpy(), rows.labels.numpy()
