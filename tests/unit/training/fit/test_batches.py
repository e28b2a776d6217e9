"""An epoch's batches: every row once, the same for the same epoch, shared out among processes."""

import pytest
import torch
from torch import Tensor

from models_store.specs import AugmentSpec
from tests.support.lessons import SPEC, UNBENT, recipe_of, stripes
from training.data.rows import Rows
from training.fit.batches import Batch, Batches
from training.fit.distributed import ALONE, World
from training.fit.material import Distillation, Material, Replay
from training.fit.runtime import Runtime

BENT = AugmentSpec(shift_pixels=2, rotate_degrees=10)


def numbered(count: int, first: int = 0) -> Rows:
    """Even pictures, each of its own grey level, whose label is that level too."""
    levels = torch.arange(first, first + count)
    return Rows(levels.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 28, 28).contiguous(), levels)


def batches(material: Material, augment: AugmentSpec = UNBENT, world: World = ALONE, seed: int = 1) -> Batches:
    return Batches(material, recipe_of(SPEC, augment=augment, seed=seed), Runtime(world=world))  # of 20 rows


def levels(batch: Batch) -> list[int]:
    return (batch.pictures[:, 0, 14, 14] * 255).round().int().tolist()


def never(pictures: Tensor) -> Tensor:
    raise AssertionError("a batch is made without asking the teacher")


@pytest.mark.parametrize(
    ("rows", "sizes", "steps"),
    [
        (40, [20, 20], 2),
        (42, [20, 20, 2], 3),
        (41, [20, 21], 3),
        (21, [21], 2),
        (20, [20], 1),
        (3, [3], 1),
        (1, [1], 1),
    ],
)
def test_a_last_row_joins_its_neighbour_and_counts_as_a_step_all_the_same(
    rows: int, sizes: list[int], steps: int
) -> None:
    """Schedules and checkpoints of earlier releases count so."""
    made = batches(Material(numbered(rows)))
    assert [len(batch.truth) for batch in made.of_epoch(1)] == sizes
    assert len(made) == steps


def test_every_row_comes_once_in_an_epoch_with_its_own_label() -> None:
    for number in (1, 2):
        seen = list(batches(Material(numbered(50))).of_epoch(number))
        assert sorted(level for batch in seen for level in levels(batch)) == list(range(50))
        assert all(levels(batch) == batch.truth.tolist() for batch in seen)


def test_the_same_epoch_draws_the_same_whatever_came_before_and_another_one_does_not() -> None:
    material = Material(stripes(40), replay=Replay(stripes(9, seed=2), per_batch=3))

    def drawn(number: int, seed: int = 1) -> Tensor:
        torch.rand(number + 3)
        return torch.cat([batch.pictures for batch in batches(material, BENT, seed=seed).of_epoch(number)])

    assert torch.equal(drawn(2), drawn(2))
    assert not torch.equal(drawn(2), drawn(3))
    assert not torch.equal(drawn(2), drawn(2, seed=2))


def test_pictures_are_between_0_and_1_and_the_rows_are_left_as_they_were() -> None:
    rows = stripes(40)
    before = rows.pictures.clone()
    for batch in batches(Material(rows), BENT).of_epoch(1):
        assert batch.pictures.dtype == torch.float32 and batch.truth.dtype == torch.int64
        assert batch.pictures.min() >= 0 and 0.5 < batch.pictures.max() <= 1
    assert torch.equal(rows.pictures, before)


def test_replayed_rows_join_every_batch_with_their_labels() -> None:
    for batch in batches(Material(numbered(40), replay=Replay(numbered(9, first=100), per_batch=5))).of_epoch(1):
        assert len(batch.pictures) == len(batch.truth) == 25
        assert all(100 <= level < 109 for level in levels(batch)[20:])
        assert levels(batch) == batch.truth.tolist()


@pytest.mark.parametrize(("per_batch", "labelled"), [(8, 4), (9, 4), (1, 0)])
def test_half_of_the_replayed_rows_have_labels_where_a_teacher_is_asked(per_batch: int, labelled: int) -> None:
    replay = Replay(numbered(9, first=100), per_batch)
    material = Material(numbered(40), replay=replay, distillation=Distillation(never, 1.0))
    for batch in batches(material).of_epoch(1):
        assert len(batch.pictures) == 20 + per_batch
        assert len(batch.truth) == 20 + labelled
        assert levels(batch)[: len(batch.truth)] == batch.truth.tolist()
        assert all(100 <= level < 109 for level in levels(batch)[20:])  # also the blends of two


def test_a_teacher_without_a_replay_leaves_every_row_its_label() -> None:
    for batch in batches(Material(numbered(40), distillation=Distillation(never, 0.5))).of_epoch(1):
        assert levels(batch) == batch.truth.tolist()


def in_two_processes(rows: Rows, augment: AugmentSpec = UNBENT) -> list[list[Batch]]:
    worlds = [World(rank=rank, size=2) for rank in (0, 1)]
    return [list(batches(Material(rows), augment, world).of_epoch(1)) for world in worlds]


def test_processes_share_every_batch_out() -> None:
    left, right = in_two_processes(numbered(40))
    alone = batches(Material(numbered(40))).of_epoch(1)
    for mine, theirs, whole in zip(left, right, alone, strict=True):
        assert len(mine.truth) == len(theirs.truth) == 10
        assert sorted(levels(mine) + levels(theirs)) == sorted(levels(whole))
    assert [len(batch.truth) for batch in in_two_processes(numbered(43))[0]] == [10, 11]  # 3 are less than 2 for each


def test_each_process_bends_its_pictures_in_its_own_way() -> None:
    one = stripes(1)
    copies = Rows(one.pictures.repeat(20, 1, 1, 1), one.labels.repeat(20))
    (even,), (same,) = in_two_processes(copies)
    assert torch.equal(even.pictures, same.pictures)
    (left,), (right,) = in_two_processes(copies, BENT)
    assert not torch.equal(left.pictures, right.pictures)
