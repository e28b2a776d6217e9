"""An epoch's batches: every row once, the same for the same epoch, shared out among processes."""

import dataclasses

import pytest
import torch
from torch import Tensor

from models_store.specs import AugmentSpec
from tests.support.lessons import SPEC, recipe_of, stripes
from training.data.rows import Rows
from training.fit.batches import Batch, Batches
from training.fit.distributed import ALONE, World
from training.fit.loop import fit
from training.fit.material import Distillation, Material, Replay
from training.fit.runtime import Runtime
from training.nets.catalog import build

BENT = AugmentSpec(shift_pixels=2, rotate_degrees=10)


def numbered(count: int, first: int = 0) -> Rows:
    """Even pictures, each of its own grey level, whose label is that level too."""
    levels = torch.arange(first, first + count)
    return Rows(levels.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 28, 28).contiguous(), levels)


def batches(material: Material, augment: AugmentSpec = AugmentSpec(), world: World = ALONE, seed: int = 1) -> Batches:
    return Batches(material, recipe_of(SPEC, augment=augment, seed=seed), Runtime(world=world))  # of 20 rows


def levels(batch: Batch) -> list[int]:
    return (batch.pictures[:, 0, 14, 14] * 255).round().int().tolist()


def never(pictures: Tensor) -> Tensor:
    raise AssertionError("a batch is made without asking the teacher")


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [(40, [20, 20]), (42, [20, 20, 2]), (41, [20, 21]), (21, [21]), (20, [20]), (3, [3]), (1, [1])],
)
def test_a_last_row_joins_its_neighbour_and_the_steps_are_counted_so(rows: int, sizes: list[int]) -> None:
    made = batches(Material(numbered(rows)))
    assert [len(batch.truth) for batch in made.of_epoch(1)] == sizes
    assert len(made) == len(sizes)


def test_the_loop_is_told_the_steps_that_there_are() -> None:
    told: list[tuple[int, int, int]] = []
    recipe = recipe_of(dataclasses.replace(SPEC, epochs=2), "mlp")
    runtime = Runtime(on_step=lambda epoch, done, steps: told.append((epoch, done, steps)))
    fit(build(recipe.net, recipe.input, 3), Material(stripes(41)), recipe, runtime)
    assert told == [(1, 1, 2), (1, 2, 2), (2, 1, 2), (2, 2, 2)]


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


def test_processes_share_every_batch_out_and_bend_differently() -> None:
    def parts(count: int, augment: AugmentSpec = AugmentSpec()) -> list[list[Batch]]:
        worlds = [World(rank=rank, size=2) for rank in (0, 1)]
        return [list(batches(Material(numbered(count)), augment, world).of_epoch(1)) for world in worlds]

    left, right = parts(40)
    alone = batches(Material(numbered(40))).of_epoch(1)
    for mine, theirs, whole in zip(left, right, alone, strict=True):
        assert len(mine.truth) == len(theirs.truth) == 10
        assert sorted(levels(mine) + levels(theirs)) == sorted(levels(whole))
    assert [len(batch.truth) for batch in parts(43)[0]] == [10, 11]  # 3 rows are less than 2 for each
    one, other = (process[0].pictures for process in parts(40, BENT))
    assert not torch.equal(one == 0, other == 0)
