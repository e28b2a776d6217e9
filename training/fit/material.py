"""What a training learns from: its rows, those that only validate, rows to replay, and a teacher."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from training.data.rows import Rows

Teacher = Callable[[Tensor], Tensor]  # float32 [N, C, H, W] in 0..1 -> logits [N, labels]


@dataclass(frozen=True)
class Replay:
    """Rows that are repeated, so that what a net knows is not forgotten."""

    rows: Rows
    per_batch: int  # random ones, in every batch


@dataclass(frozen=True)
class Distillation:
    """A net to learn from (Hinton et al. 2015, arXiv:1503.02531)."""

    teacher: Teacher
    weight: float  # of its answers in the loss, 0..1


@dataclass(frozen=True)
class Material:
    """Everything that one training learns from.

    With a replay, the teacher is asked about half of the repeated rows and blends of them, otherwise about all rows.
    """

    rows: Rows
    validation: Rows | None = None  # these only give numbers after each epoch
    replay: Replay | None = None
    distillation: Distillation | None = None

    @property
    def teacher_of_replay(self) -> Distillation | None:
        """The teacher that is asked about repeated rows, where there are both."""
        return self.distillation if self.replay is not None else None
