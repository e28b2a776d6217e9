"""A small net for whole colour pictures of any size."""

import pytest
import torch

from models_store.specs import InputSpec, NetSpec
from training.nets.catalog import build, parameters
from training.nets.colour import RgbCNN


def picture(height: int, width: int) -> InputSpec:
    return InputSpec(channels=3, height=height, width=width, mean=(0.5,) * 3, std=(0.5,) * 3, preparation="picture")


def test_it_has_the_parameters_that_its_layers_add_up_to() -> None:
    kernels = 25 * 3 * 16 + 9 * (16 * 32 + 32 * 64 + 64 * 128)
    told = kernels + 2 * (16 + 32 + 64 + 128) + 128 * 10 + 10
    assert told == 99_738
    assert parameters(build(NetSpec(name="rgb-cnn"), picture(224, 224), 10)) == told
    assert parameters(build(NetSpec(name="rgb-cnn"), picture(32, 32), 10)) == told


@pytest.mark.parametrize("size", [(224, 224), (33, 90)])
def test_a_colour_net_takes_pictures_of_any_size(size: tuple[int, int]) -> None:
    net = build(NetSpec(name="rgb-cnn"), picture(32, 32), 4).eval()
    assert net(torch.rand(1, 3, *size)).shape == (1, 4)


def test_each_maps_average_stands_for_it() -> None:
    net = RgbCNN(3, 4).eval()
    pictures = torch.rand(2, 3, 64, 48)
    maps = net.features[:-1](pictures)
    assert maps.shape == (2, 128, 64 // 16, 48 // 16)  # a stride of 2, and three times halved
    expected = maps.mean((2, 3)) @ net.head.weight.T + net.head.bias
    assert torch.allclose(net(pictures), expected, atol=1e-5)


def test_colours_count_and_not_their_sum_only() -> None:
    torch.manual_seed(0)
    net, red = RgbCNN(3, 4).eval(), torch.zeros(1, 3, 32, 32)
    red[:, 0] = 1
    assert not torch.allclose(net(red), net(red.flip(1)), atol=1e-4)
