"""The nets of the tutorials: their layers add up, and they compute as their options say."""

import pytest
import torch
from torch import Tensor, nn

from models_store.specs import InputSpec, NetSpec
from training.nets.catalog import build, parameters
from training.nets.classic import CNN, SmallCNN, ThreeCNN


def net(name: str, **given: bool | float | str) -> nn.Module:
    return build(NetSpec(name=name, options=given), InputSpec(), 10)


def kernel(inputs: int, outputs: int, side: int) -> int:
    """Weights of a convolution with its bias."""
    return outputs * inputs * side * side + outputs


def full(inputs: int, outputs: int) -> int:
    """Weights of a linear layer."""
    return inputs * outputs + outputs


CNN_LAYERS = kernel(1, 32, 5) + kernel(32, 64, 5)  # and then 64 maps of 4x4
SIZES = {
    "cnn": (CNN_LAYERS + full(64 * 4 * 4, 500) + full(500, 10), 569_606),
    "cnn-small": (kernel(1, 32, 5) + full(32 * 12 * 12, 128) + full(128, 10), 592_074),
    "cnn-three": (
        kernel(1, 32, 3) + kernel(32, 64, 3) + kernel(64, 128, 3) + full(128 * 3 * 3, 128) + full(128, 10),
        241_546,
    ),
}


@pytest.mark.parametrize("name", SIZES)
def test_a_net_has_the_parameters_that_its_layers_add_up_to(name: str) -> None:
    by_layers, told = SIZES[name]
    assert by_layers == told
    assert parameters(net(name)) == told


def test_the_hidden_layer_has_the_units_asked_for() -> None:
    narrow = net("cnn", hidden=32, dropout=0.0)
    assert parameters(narrow) == CNN_LAYERS + full(1024, 32) + full(32, 10)
    pictures = torch.rand(2, 1, 28, 28)
    assert torch.equal(narrow.train()(pictures), narrow(pictures))
    assert parameters(net("cnn", hidden=1024)) == CNN_LAYERS + full(1024, 1024) + full(1024, 10)


def test_a_width_scales_the_kernels_to_multiples_of_8_and_1_changes_nothing() -> None:
    narrow = net("cnn", width=0.25)
    assert [layer.out_channels for layer in narrow.modules() if isinstance(layer, nn.Conv2d)] == [8, 16]
    assert narrow.eval()(torch.rand(2, 1, 28, 28)).shape == (2, 10)
    assert parameters(net("cnn", width=1)) == 569_606


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize("pool", ["max", "average"])
def test_the_tutorials_net_computes_as_its_options_say(activation: str, pool: str) -> None:
    torch.manual_seed(1)
    cnn = net("cnn", activation=activation, pool=pool).eval()
    weights = cnn.state_dict()

    def squash(x: Tensor) -> Tensor:
        return x.clamp(min=0) if activation == "relu" else 1 / (1 + torch.exp(-x))

    x = torch.randn(3, 1, 28, 28)
    pictures = x
    for layer in ("conv1", "conv2"):
        x = nn.functional.conv2d(x, weights[f"{layer}.weight"], weights[f"{layer}.bias"])
        windows = torch.stack([x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)])
        x = squash(windows.amax(0) if pool == "max" else windows.mean(0))
    x = squash(x.flatten(1) @ weights["fc1.weight"].T + weights["fc1.bias"])
    x = x @ weights["head.weight"].T + weights["head.bias"]
    assert torch.allclose(cnn(pictures), x, atol=1e-4)


@pytest.mark.parametrize("kind", [CNN, SmallCNN, ThreeCNN])
def test_dropout_is_before_the_head_and_off_when_it_serves(kind: type[CNN | SmallCNN | ThreeCNN]) -> None:
    made, pictures = kind(3, 4, dropout=0.9), torch.rand(6, 3, 28, 28)
    assert not torch.equal(made.train()(pictures), made(pictures))
    assert torch.equal(made.eval()(pictures), made(pictures))
    seen: list[Tensor] = []
    made.head.register_forward_hook(lambda layer, given, logits: seen.append(given[0]))
    made.train()(pictures)
    made.eval()(pictures)
    dropped, whole = ((one == 0).float().mean().item() for one in seen)
    assert dropped > 0.8 > whole
