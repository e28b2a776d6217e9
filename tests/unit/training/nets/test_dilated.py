"""A net of few weights that looks far: holes in its kernels, a kernel per channel."""

import torch
from torch import Tensor, nn

from training.nets.catalog import parameters
from training.nets.dilated import DepthwiseSeparable, DepthwiseSeparableDilated, Dilated, DilatedNet


def seen_by_the_middle(layer: nn.Module, inputs: int) -> Tensor:
    """Which pixels [11, 11] of its first channel the middle of what a layer gives depends on."""
    picture = torch.rand(1, inputs, 11, 11, requires_grad=True)
    answer = layer.eval()(picture)
    middle = answer.shape[2] // 2
    answer[0, :, middle, middle].sum().backward()
    assert picture.grad is not None
    return picture.grad[0, 0] != 0


def holed(step: int) -> Tensor:
    """Nine pixels around the middle of 11x11, `step` apart."""
    pixels = torch.zeros(11, 11, dtype=torch.bool)
    pixels[5 - step : 6 + step : step, 5 - step : 6 + step : step] = True
    return pixels


def test_it_has_the_parameters_that_its_layers_add_up_to() -> None:
    dilated = 9 * 48 + 2 * 48
    separable = (9 * 48 + 48 * 96 + 2 * 96) + (9 * 96 + 96 * 160 + 2 * 160)
    head = 160 * 3 * 3 * 10 + 10
    assert parameters(DilatedNet(1, 10)) == dilated + separable + head == 36_714


def test_a_kernel_with_holes_sees_5_by_5_pixels_by_nine_weights() -> None:
    torch.manual_seed(0)
    layer = Dilated(1, 32)
    assert torch.equal(seen_by_the_middle(layer, 1), holed(2))
    assert parameters(layer) == 9 * 32 + 2 * 32
    assert torch.equal(seen_by_the_middle(DepthwiseSeparableDilated(4, 32), 4), holed(2))
    assert torch.equal(seen_by_the_middle(DepthwiseSeparable(4, 32), 4), holed(1))


def test_a_separable_convolution_is_a_kernel_per_channel_and_then_a_mixture() -> None:
    torch.manual_seed(0)
    layer = DepthwiseSeparable(3, 5, padding=1).eval()
    depthwise, pointwise = (part for part in layer if isinstance(part, nn.Conv2d))
    pictures = torch.rand(2, 3, 8, 8)
    channels = [nn.functional.conv2d(pictures[:, i : i + 1], depthwise.weight[i : i + 1], padding=1) for i in range(3)]
    mixed = torch.einsum("oi,nihw->nohw", pointwise.weight[:, :, 0, 0], torch.cat(channels, 1))
    norm = 1 / (1 + 1e-5) ** 0.5  # a fresh norm's averages are 0 and 1
    assert torch.allclose(layer(pictures), (mixed * norm).clamp(min=0), atol=1e-6)
    assert parameters(layer) == 9 * 3 + 3 * 5 + 2 * 5


def test_pictures_halve_twice_and_end_at_three_by_three() -> None:
    net = DilatedNet(3, 4).eval()
    assert net.features(torch.rand(2, 3, 28, 28)).shape == (2, 160, 3, 3)
    assert net(torch.rand(2, 3, 28, 28)).shape == (2, 4)
