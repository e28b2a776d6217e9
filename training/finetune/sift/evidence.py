"""What the rules of this room look at: new pictures, what they are given as, and what their base reads."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from training.data.rows import Rows

LEAST = 6  # pictures of one kind: fewer teach neither a mark nor a lie (docs/training-log.md)

Reason = Literal["contradicts", "alike", "mark"]


@dataclass(frozen=True)
class Group:
    """Rows, as indices, that a person should look at together before they are learned, and what they have in common."""

    reason: Reason
    rows: Tensor
    why: str


@dataclass(frozen=True)
class Evidence:
    """New rows, what the base says of them, and pictures of its kind that nobody new has given."""

    rows: Rows
    said: Tensor  # int64 [N]: the label that the base reads
    sure: Tensor  # bool [N]: whether it is sure of it
    labels: Sequence[str]
    known: Rows

    @property
    def contradicts(self) -> Tensor:
        """bool [N]: the base reads another label than the one given."""
        return self.said != self.rows.labels

    @property
    def surely(self) -> Tensor:
        """bool [N]: and it is sure of it."""
        return self.contradicts & self.sure

    def only(self, rows: Tensor) -> "Evidence":
        """The same of these rows, given as indices."""
        return dataclasses.replace(self, rows=self.rows[rows], said=self.said[rows], sure=self.sure[rows])

    def kinds(self, which: Tensor) -> list[tuple[int, Tensor]]:
        """Each label of which there are enough of these rows, bool [N], and their indices."""
        found = []
        for label in torch.unique(self.rows.labels[which]).tolist():
            rows = (which & (self.rows.labels == label)).nonzero()[:, 0]
            if len(rows) >= LEAST:
                found.append((int(label), rows))
        return found
