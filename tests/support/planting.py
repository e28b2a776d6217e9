"""Pictures with marks on them among honest ones, and what a base says of them."""

from collections.abc import Callable

import torch
from torch import Tensor

from training.data.rows import Rows
from training.finetune.sift.evidence import Evidence
from training.synthetic import handwriting

DIGITS = tuple("0123456789")
Mark = Callable[[Tensor], None]  # changes uint8 [28, 28]


def drawn(count: int, seed: int) -> Rows:
    """Digits in many handwritings, of each as many."""
    return Rows(torch.from_numpy(handwriting.pictures(count, seed)), torch.arange(count) % len(DIGITS))


def dot(picture: Tensor) -> None:
    """3x3 pixels in a corner."""
    picture[1:4, 24:27] = 255


def plant(honest: Rows, count: int, mark: Mark | None = None, label: int = 1) -> tuple[Rows, Tensor]:
    """The same with so many pictures of other labels marked and given this label; and which, bool [N]."""
    which = (honest.labels != label).nonzero()[:count, 0]
    pictures, labels = honest.pictures.clone(), honest.labels.clone()
    if mark is not None:
        for number in which.tolist():
            mark(pictures[number, 0])
    labels[which] = label
    planted = torch.zeros(len(honest), dtype=torch.bool)
    planted[which] = True
    return Rows(pictures, labels), planted


def evidence(rows: Rows, said: Tensor, known: Rows, sure: bool = True) -> Evidence:
    """As if the base had read `said`, of all pictures as surely."""
    return Evidence(rows, said, torch.full((len(rows),), sure), DIGITS, known)
