"""The pieces of several nets: widths in multiples of 8, halvings, and norms that an export folds."""

import pytest
import torch
from torch import nn

from training.nets.layers import block, convolution, halving, pooled_block, scaled, squashing


@pytest.mark.parametrize(
    ("channels", "width", "wanted"),
    [
        (24, 1.0, 24), (20, 1.0, 20),  # 1 changes nothing, also where that is no multiple
        (24, 0.5, 16), (24, 2, 48), (24, 0.49, 8), (16, 1.5, 24), (64, 8.0, 512), (128, 0.001, 8),
    ],
)  # fmt: skip
def test_a_width_gives_the_nearest_multiple_of_8_and_8_at_least(channels: int, width: float, wanted: int) -> None:
    assert scaled(channels, width) == wanted


@pytest.mark.parametrize("width", [0.0, -1.0, 8.1, float("inf"), float("nan")])
def test_a_width_out_of_range_is_refused(width: float) -> None:
    with pytest.raises(ValueError, match="width must be above 0 and at most 8"):
        scaled(24, width)


def test_four_pixels_become_their_largest_or_their_mean() -> None:
    pixels = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])
    assert halving("max")(pixels).item() == 6
    assert halving("average")(pixels).item() == 3
    assert halving("max")(torch.rand(1, 1, 7, 7)).shape == (1, 1, 3, 3)


def test_an_activation_is_its_formula() -> None:
    x = torch.tensor([-2.0, 0.0, 2.0])
    assert squashing("relu")(x).tolist() == [0, 0, 2]
    assert torch.allclose(squashing("sigmoid")(x), 1 / (1 + torch.exp(-x)))


def test_the_norm_brings_the_bias() -> None:
    assert convolution(3, 8, 5).bias is None
    parts = list(block(3, 8, kernel=3))
    assert [type(part) for part in parts] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    assert sum(weights.numel() for part in parts for weights in part.parameters()) == 8 * 3 * 9 + 2 * 8


def test_a_block_that_halves_first_computes_what_halving_last_would() -> None:
    """A norm with a gain above 0 and ReLU keep the order of numbers, so that the largest stays the largest."""
    torch.manual_seed(0)
    pooled, plain = pooled_block(2, 8, kernel=3, padding=1).eval(), block(2, 8, kernel=3, padding=1).eval()
    norm = pooled[2]
    assert isinstance(norm, nn.BatchNorm2d)
    with torch.no_grad():
        norm.weight.uniform_(0.5, 2)
        norm.bias.normal_()
        norm.running_mean = torch.randn(8)
    plain[0].load_state_dict(pooled[0].state_dict())
    plain[1].load_state_dict(norm.state_dict())
    pictures = torch.randn(3, 2, 10, 10)
    assert torch.allclose(pooled(pictures), nn.functional.max_pool2d(plain(pictures), 2), atol=1e-5)
