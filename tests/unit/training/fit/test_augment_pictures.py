"""Mirrored and cropped whole pictures."""

import math

import pytest
import torch
from torch import Tensor

from models_store.specs import AugmentSpec, InputSpec
from training.fit.augment import Edges, bend, edges_of

COLOURS = InputSpec(channels=3, mean=(0.5,) * 3, std=(0.5,) * 3, preparation="picture")


def ramps(count: int, height: int = 40, width: int = 40) -> Tensor:
    """Each pixel's own place: x in the first channel, y in the second, from 0 to 1 at the picture's edges."""
    x = ((torch.arange(width) + 0.5) / width).expand(height, width)
    y = ((torch.arange(height) + 0.5) / height)[:, None].expand(height, width)
    return torch.stack([x, y]).expand(count, 2, height, width)


def bent(pictures: Tensor, spec: AugmentSpec, edges: Edges = "reflection") -> Tensor:
    torch.manual_seed(0)
    return bend(pictures, spec, edges)


def windows(pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Width and height of what each bent ramp still shows, as shares, and its middle [N, 2]; mirrored: width < 0."""
    height, width = pictures.shape[2:]
    inner = pictures[:, :, height // 4 : -(height // 4), width // 4 : -(width // 4)]  # no edge takes part
    x, y = inner[:, 0].mean(1), inner[:, 1].mean(2)
    wide = (x[:, -1] - x[:, 0]) * width / (x.shape[1] - 1)
    high = (y[:, -1] - y[:, 0]) * height / (y.shape[1] - 1)
    return wide, high, torch.stack([x.mean(1), y.mean(1)], dim=1)


def test_half_of_the_pictures_are_mirrored_and_the_others_stay() -> None:
    pictures = torch.rand(400, 3, 20, 30)
    changed = bent(pictures, AugmentSpec(mirror=True))
    mirrored = (changed - pictures.flip(3)).abs().amax((1, 2, 3)) < 1e-4
    kept = (changed - pictures).abs().amax((1, 2, 3)) < 1e-4
    assert (mirrored ^ kept).all()
    assert 160 < mirrored.sum() < 240  # four deviations of 400 coins


@pytest.mark.parametrize("size", [(40, 40), (40, 60)])
def test_a_window_keeps_its_share_of_the_area_and_lies_inside(size: tuple[int, int]) -> None:
    wide, high, middles = windows(bent(ramps(2000, *size), AugmentSpec(crop=0.3)))
    area, aspect = wide * high, wide / high
    assert 0.3 - 1e-3 < area.min() < 0.32
    assert 0.98 < area.max() < 1 + 1e-3
    assert area.mean() == pytest.approx(0.65, abs=0.02)  # uniform
    assert aspect.min() == pytest.approx(3 / 4, abs=0.02)
    assert aspect.max() == pytest.approx(4 / 3, abs=0.02)
    assert aspect.log().mean().abs() < 0.02
    for side, middle in ((wide, middles[:, 0]), (high, middles[:, 1])):
        assert (middle - side / 2).min() > -1e-3
        assert (middle + side / 2).max() < 1 + 1e-3
        assert middle.mean() == pytest.approx(0.5, abs=0.02)
        assert (middle - 0.5).abs().max() > 0.2


def test_a_window_is_not_mirrored_unless_asked_for() -> None:
    assert windows(bent(ramps(500), AugmentSpec(crop=0.5)))[0].min() > 0
    wide, high, _ = windows(bent(ramps(500), AugmentSpec(crop=0.5, mirror=True)))
    assert 200 < (wide < 0).sum() < 300
    assert wide.abs().min() > 0.5
    assert high.min() > 0.5


def test_a_window_is_cut_from_the_turned_picture() -> None:
    turned = bent(ramps(1000), AugmentSpec(crop=0.5, rotate_degrees=20))
    inner = turned[:, :, 15:25, 15:25]
    along_x = (inner[:, :, :, -1] - inner[:, :, :, 0]).mean(2)  # how x and y change from left to right
    angles = torch.rad2deg(torch.atan2(along_x[:, 1], along_x[:, 0]))
    assert angles.abs().max() < 20.5
    assert angles.max() > 18
    assert angles.min() < -18


def test_what_lies_beyond_the_edge_is_asked_for() -> None:
    white, spec = torch.ones(50, 3, 28, 28), AugmentSpec(rotate_degrees=30)
    assert bent(white, spec, "reflection").min() > 1 - 1e-5
    assert bent(white, spec, "border").min() > 1 - 1e-5
    assert bent(white, spec, "zeros")[:, :, 0, 0].min() == 0
    torch.manual_seed(0)
    assert torch.equal(bend(white, spec), bent(white, spec, "zeros"))  # a digit's ground is black


def test_digits_lie_on_black_and_whole_pictures_go_on() -> None:
    assert edges_of(InputSpec()) == "zeros"
    assert edges_of(COLOURS) == "reflection"


def test_a_whole_picture_goes_on_as_its_mirror_image() -> None:
    pictures = ramps(300)
    shifted = bent(pictures, AugmentSpec(shift_pixels=10))
    moved = windows(shifted)[2] * 40 - 20  # pixels to the right and down that each picture now looks
    for axis, line in enumerate((shifted[:, 0].mean(1), shifted[:, 1].mean(2))):
        places = (torch.arange(40) + 0.5 + moved[:, axis, None]) / 40
        folded = torch.where(places < 0, -places, torch.where(places > 1, 2 - places, places))
        assert (line - folded).abs().max() < 0.02  # half a pixel, where the ramp turns
    assert moved.abs().max() > 9


@pytest.mark.parametrize("device", ["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
def test_everything_at_once_keeps_shape_and_range(device: str) -> None:
    spec = AugmentSpec(
        rotate_degrees=20, log_scale=0.2, shear=0.2, shift_pixels=3, elastic_pixels=1, mirror=True, crop=0.4
    )
    pictures = torch.rand(20, 3, 40, 50, device=device)
    changed = bent(pictures, spec)
    assert changed.shape == pictures.shape
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert math.isfinite(float(changed.sum()))
    assert torch.equal(changed, bent(pictures, spec))
