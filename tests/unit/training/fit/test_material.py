"""What a training learns from: which of its pictures a teacher is asked about."""

import dataclasses

import pytest
from torch import Tensor

from tests.support.lessons import stripes
from training.fit.material import Distillation, Material, Replay


def teacher(pictures: Tensor) -> Tensor:
    """Says of every picture how light it is at its three heights."""
    return pictures.mean((1, 3)).reshape(len(pictures), 4, 7).mean(2)[:, :3]


ROWS, REPLAY, ASKED = stripes(9), Replay(stripes(6, seed=1), per_batch=4), Distillation(teacher, 0.5)


def test_a_teacher_is_asked_about_replayed_rows_where_there_are_both() -> None:
    assert Material(ROWS, replay=REPLAY, distillation=ASKED).teacher_of_replay is ASKED


@pytest.mark.parametrize(
    "material", [Material(ROWS), Material(ROWS, replay=REPLAY), Material(ROWS, distillation=ASKED)]
)
def test_with_one_of_them_alone_it_is_not(material: Material) -> None:
    assert material.teacher_of_replay is None


def test_rows_alone_are_enough_and_material_never_changes() -> None:
    material = Material(ROWS)
    assert (material.validation, material.replay, material.distillation) == (None, None, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        material.rows = stripes(3)  # type: ignore[misc]
