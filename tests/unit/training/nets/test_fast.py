"""fast and lite: their layers add up, and a width scales them."""

import pytest
import torch
from torch import nn

from models_store.specs import InputSpec, NetSpec
from training.nets.catalog import build, parameters
from training.nets.fast import Fast, Lite


def net(name: str, **given: float) -> nn.Module:
    return build(NetSpec(name=name, options=given), InputSpec(), 10)


def by_layers(a: int, b: int, c: int, d: int) -> int:
    """One kernel of 5x5 and three of 3x3 without biases, four norms, and a head for ten labels."""
    return 25 * a + 9 * (a * b + b * c + c * d) + 2 * (a + b + c + d) + 10 * d + 10


@pytest.mark.parametrize(
    ("name", "channels", "told"), [("fast", (24, 48, 96, 128), 164_914), ("lite", (16, 32, 64, 128), 98_938)]
)
def test_a_net_has_the_parameters_that_its_layers_add_up_to(
    name: str, channels: tuple[int, int, int, int], told: int
) -> None:
    assert by_layers(*channels) == told
    assert parameters(net(name)) == told
    assert parameters(net(name, width=1)) == told  # which changes nothing


@pytest.mark.parametrize(
    ("name", "width", "channels"),
    [
        ("fast", 0.5, (16, 24, 48, 64)),  # 12 is nearest to 16 of the multiples of 8
        ("fast", 2, (48, 96, 192, 256)),
        ("fast", 0.01, (8, 8, 8, 8)),
        ("lite", 1.5, (24, 48, 96, 192)),
    ],
)
def test_a_width_scales_the_channels_to_multiples_of_8(
    name: str, width: float, channels: tuple[int, int, int, int]
) -> None:
    wide = net(name, width=width)
    assert tuple(layer.out_channels for layer in wide.modules() if isinstance(layer, nn.Conv2d)) == channels
    assert parameters(wide) == by_layers(*channels)
    assert wide.eval()(torch.rand(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("kind", [Fast, Lite])
def test_the_maps_shrink_from_28_to_1(kind: type[Fast | Lite]) -> None:
    made, sides = kind(3, 4).eval(), list[int]()
    for layer in made.modules():
        if isinstance(layer, nn.ReLU | nn.MaxPool2d):
            layer.register_forward_hook(lambda _, given, maps: sides.append(maps.shape[-1]))
    assert made(torch.rand(2, 3, 28, 28)).shape == (2, 4)
    assert sorted(set(sides), reverse=True) == [14, 7, 3, 1]


def test_fast_drops_out_while_it_learns_only() -> None:
    made, pictures = Fast(1, 10, dropout=0.5), torch.rand(8, 1, 28, 28)
    assert not torch.equal(made.train()(pictures), made(pictures))
    assert torch.equal(made.eval()(pictures), made(pictures))
    plain = Fast(1, 10, dropout=0.0).train()
    assert torch.equal(plain(pictures), plain(pictures))
