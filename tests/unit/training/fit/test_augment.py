import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor

import training
from models_store.recipe import Recipe
from models_store.specs import AugmentSpec
from training.fit.augment import bend

ROWS, COLUMNS = torch.meshgrid(torch.arange(28.0) - 13.5, torch.arange(28.0) - 13.5, indexing="ij")
FAST = Recipe.from_toml((Path(training.__file__).parent / "recipes" / "fast.toml").read_text()).augment


def bent(pictures: Tensor, seed: int = 0, **amounts: float) -> Tensor:
    torch.manual_seed(seed)
    return bend(pictures, dataclasses.replace(AugmentSpec(), **amounts))  # type: ignore[arg-type]


def bars(count: int) -> Tensor:
    """A level bar in the middle: 20 pixels long, 2 wide."""
    pictures = torch.zeros(count, 1, 28, 28)
    pictures[:, 0, 13:15, 4:24] = 1
    return pictures


def hook() -> Tensor:
    """Unlike each of its mirror images and its turned images: a stroke with a hook and a lighter dot."""
    picture = torch.zeros(28, 28)
    picture[5:23, 8:11] = 1
    picture[20:23, 11:18] = 1
    picture[7:10, 17:20] = 0.6
    return picture


def degrees(pictures: Tensor) -> Tensor:
    """How far each picture's long axis is turned, -90 to 90: from second moments."""
    ink = pictures[:, 0]
    both, difference = (ink * ROWS * COLUMNS).sum((1, 2)), (ink * (COLUMNS**2 - ROWS**2)).sum((1, 2))
    return torch.rad2deg(torch.atan2(2 * both, difference) / 2)


def middles(pictures: Tensor) -> Tensor:
    """[N, 2]: x and y of the centres of mass."""
    ink = pictures[:, 0]
    return torch.stack([(ink * COLUMNS).sum((1, 2)), (ink * ROWS).sum((1, 2))], 1) / ink.sum((1, 2))[:, None]


def test_nothing_asked_for_changes_nothing() -> None:
    pictures = torch.rand(3, 1, 28, 28)
    assert torch.equal(bend(pictures, AugmentSpec()), pictures)


def test_the_shape_stays_and_values_stay_between_0_and_1() -> None:
    pictures = torch.rand(50, 2, 28, 28)
    changed = bend(pictures, FAST)
    assert changed.shape == pictures.shape
    assert changed.dtype == torch.float32
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert not torch.equal(changed, pictures)


def test_the_same_seed_bends_alike_and_another_one_does_not() -> None:
    pictures = hook().expand(8, 1, 28, 28)
    amounts = {"rotate_degrees": 10.0, "shift_pixels": 2.0, "elastic_pixels": 1.0}
    assert torch.equal(bent(pictures, 3, **amounts), bent(pictures, 3, **amounts))
    assert not torch.equal(bent(pictures, 3, **amounts), bent(pictures, 4, **amounts))


def test_each_picture_is_bent_by_its_own_amount() -> None:
    changed = bent(hook().expand(20, 1, 28, 28), shift_pixels=2)
    assert len({tuple(picture.flatten().tolist()) for picture in changed}) == 20


def test_a_shift_moves_by_at_most_the_pixels_asked_for() -> None:
    dots = torch.zeros(500, 1, 28, 28)
    dots[:, 0, 14, 10] = 1
    moved = middles(bent(dots, shift_pixels=2)) - middles(dots)
    assert moved.abs().max() <= 2.001
    assert moved.max(0).values.min() > 1.8  # right and down
    assert moved.min(0).values.max() < -1.8  # left and up
    assert moved.mean(0).abs().max() < 0.2


def test_ink_that_leaves_the_picture_does_not_come_back() -> None:
    edge = torch.zeros(200, 1, 28, 28)
    edge[:, 0, :, 0] = 1
    assert bent(edge, shift_pixels=3)[:, 0, :, 10:].max() == 0


def test_a_rotation_turns_by_at_most_the_degrees_asked_for() -> None:
    turned = degrees(bent(bars(500), rotate_degrees=30))
    assert turned.abs().max() < 30.5
    assert turned.max() > 28
    assert turned.min() < -28
    assert turned.mean().abs() < 3
    assert turned.abs().mean() == pytest.approx(15, abs=2)  # uniform


def test_a_bar_turned_by_90_degrees_stands_upright() -> None:
    changed = bent(bars(500), rotate_degrees=90)
    furthest = degrees(changed).abs().argmax()
    assert degrees(changed)[furthest].abs() > 89
    assert (changed[furthest] - bars(1)[0].transpose(1, 2)).abs().max() < 0.2


def test_a_scale_stretches_and_shrinks_each_axis() -> None:
    squares = torch.zeros(500, 1, 28, 28)
    squares[:, 0, 9:19, 9:19] = 1  # 10 pixels a side
    changed = bent(squares, log_scale=0.2)[:, 0]
    widths, heights = changed.amax(1).sum(1), changed.amax(2).sum(1)
    for sides in (widths, heights):
        assert sides.min() > 10 * 0.8187 - 0.6  # exp(-0.2)
        assert sides.max() < 10 * 1.2214 + 0.6  # exp(0.2)
        assert sides.min() < 8.8
        assert sides.max() > 11.5
    assert torch.corrcoef(torch.stack([widths, heights]))[0, 1].abs() < 0.2


def test_a_shear_slants_and_does_not_turn_the_level() -> None:
    level = degrees(bent(bars(300), shear=0.3))
    upright = degrees(bent(bars(300).transpose(2, 3), shear=0.3)).abs() - 90
    assert level.abs().max() < 0.5
    assert upright.abs().max() == pytest.approx(16.7, abs=1)  # arctan 0.3


def test_crumpling_moves_ink_and_keeps_the_picture_in_place() -> None:
    pictures = hook().expand(300, 1, 28, 28)
    changed = bent(pictures, elastic_pixels=0.7)
    moved = middles(changed) - middles(pictures)
    assert moved.mean(0).abs().max() < 0.1
    assert 0.1 < moved.std() < 0.7
    assert (changed - pictures).abs().amax((1, 2, 3)).min() > 0.1


@pytest.mark.parametrize("spec", [AugmentSpec(shift_pixels=3), FAST, dataclasses.replace(FAST, rotate_degrees=180)])
def test_no_picture_is_ever_mirrored(spec: AugmentSpec) -> None:
    corners = torch.zeros(500, 3, 28, 28)  # a channel each, bent alike
    corners[:, 0, 7:9, 7:9] = corners[:, 1, 7:9, 19:21] = corners[:, 2, 19:21, 7:9] = 1
    torch.manual_seed(0)
    bent_corners = bend(corners, spec)
    a, b, c = (middles(bent_corners[:, [channel]]) for channel in range(3))
    (x1, y1), (x2, y2) = (b - a).T, (c - a).T
    assert (x1 * y2 - x2 * y1).min() > 60  # twice the area, 144 before; negative the other way round
