import pytest
import torch
from torch import Tensor, nn

from models_store.errors import RecipeRejected
from models_store.specs import InputSpec, NetSpec
from training.nets.catalog import build, options, parameters

PICTURE = InputSpec()


def net(name: str, **given: bool | float | str) -> nn.Module:
    return build(NetSpec(name=name, options=given), PICTURE, 10)


def kernel(inputs: int, outputs: int, side: int, bias: bool = True) -> int:
    """Weights of a convolution."""
    return outputs * inputs * side * side + bias * outputs


def full(inputs: int, outputs: int) -> int:
    """Weights of a linear layer."""
    return inputs * outputs + outputs


FAST = (kernel(1, 24, 5, False) + kernel(24, 48, 3, False) + kernel(48, 96, 3, False) + kernel(96, 128, 3, False)) + (
    2 * (24 + 48 + 96 + 128) + full(128, 10)
)
LITE = (kernel(1, 16, 5, False) + kernel(16, 32, 3, False) + kernel(32, 64, 3, False) + kernel(64, 128, 3, False)) + (
    2 * (16 + 32 + 64 + 128) + full(128, 10)
)
DILATED = (9 * 48 + 2 * 48) + (9 * 48 + 48 * 96 + 2 * 96) + (9 * 96 + 96 * 160 + 2 * 160) + full(160 * 3 * 3, 10)
SIZES = {
    "fast": (FAST, 164_914),
    "lite": (LITE, 98_938),
    "cnn": (kernel(1, 32, 5) + kernel(32, 64, 5) + full(64 * 4 * 4, 500) + full(500, 10), 569_606),
    "cnn-small": (kernel(1, 32, 5) + full(32 * 12 * 12, 128) + full(128, 10), 592_074),
    "cnn-three": (
        kernel(1, 32, 3) + kernel(32, 64, 3) + kernel(64, 128, 3) + full(128 * 3 * 3, 128) + full(128, 10),
        241_546,
    ),
    "dilated": (DILATED, 36_714),
    "fcnn": (full(784, 512) + full(512, 10), 407_050),
    "mlp": (full(784, 512) + full(512, 256) + full(256, 10), 535_818),
}


@pytest.mark.parametrize("name", SIZES)
def test_a_net_has_the_parameters_that_its_layers_add_up_to(name: str) -> None:
    by_layers, told = SIZES[name]
    assert by_layers == told
    assert parameters(net(name)) == told


def test_the_colour_net_has_the_parameters_that_its_layers_add_up_to() -> None:
    colours = InputSpec(channels=3, height=224, width=224, mean=(0,) * 3, std=(1,) * 3, preparation="picture")
    kernels = [(3, 16, 5), (16, 32, 3), (32, 64, 3), (64, 128, 3)]
    told = sum(kernel(*sizes, bias=False) for sizes in kernels) + 2 * (16 + 32 + 64 + 128) + full(128, 10)
    assert told == 99_738
    assert parameters(build(NetSpec(name="rgb-cnn"), colours, 10)) == told


def test_the_hidden_layers_have_the_units_asked_for() -> None:
    narrow = net("cnn", hidden=32, dropout=0.0)
    assert parameters(narrow) == kernel(1, 32, 5) + kernel(32, 64, 5) + full(1024, 32) + full(32, 10)
    pictures = torch.rand(2, 1, 28, 28)
    assert torch.equal(narrow.train()(pictures), narrow(pictures))
    assert parameters(net("cnn", hidden=1024)) == kernel(1, 32, 5) + kernel(32, 64, 5) + full(1024, 1024) + full(
        1024, 10
    )
    assert parameters(net("mlp", hidden=16, second=8)) == full(784, 16) + full(16, 8) + full(8, 10)


@pytest.mark.parametrize(
    ("name", "width", "channels"),
    [
        ("fast", 0.5, (16, 24, 48, 64)),  # 12 is nearest to 16 of the multiples of 8
        ("fast", 2, (48, 96, 192, 256)),
        ("fast", 0.01, (8, 8, 8, 8)),
        ("lite", 1.5, (24, 48, 96, 192)),
        ("cnn", 0.25, (8, 16)),
    ],
)
def test_a_width_scales_the_channels_to_multiples_of_8(name: str, width: float, channels: tuple[int, ...]) -> None:
    scaled = [layer.out_channels for layer in net(name, width=width).modules() if isinstance(layer, nn.Conv2d)]
    assert tuple(scaled) == channels
    assert net(name, width=width).eval()(torch.rand(2, 1, 28, 28)).shape == (2, 10)


def test_a_width_of_one_changes_nothing() -> None:
    for name in ("fast", "lite", "cnn"):
        assert parameters(net(name, width=1)) == SIZES[name][1]


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


def test_options_are_told() -> None:
    assert list(options("fast")) == ["dropout", "width"]
    assert list(options("resnet18")) == ["weights"]
    assert "channels" not in options("cnn")


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("fast", {"depth": 3}),
        ("cnn", {"colour": "red"}),
        ("cnn", {"hidden": "many"}),
        ("cnn", {"hidden": 1.5}),
        ("cnn", {"hidden": True}),
        ("cnn", {"activation": "tanh"}),
        ("cnn", {"pool": 2}),
        ("fast", {"channels": 3}),
        ("fast", {"width": "wide"}),
        ("fast", {"width": True}),
        ("resnet18", {"weights": "cifar"}),
    ],
)
def test_an_unknown_option_is_rejected(name: str, given: dict[str, int | str]) -> None:
    with pytest.raises(RecipeRejected, match=f"The net {name} .*{next(iter(given))}"):
        net(name, **given)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("fast", {"dropout": 1.5}),
        ("cnn", {"dropout": -1}),
        ("cnn", {"hidden": -8}),
        ("mlp", {"second": 0}),
        ("fcnn", {"hidden": 10**9}),
        ("fast", {"width": 0}),
        ("lite", {"width": 1000.0}),
        ("cnn", {"width": -1}),
    ],
)
def test_an_option_out_of_range_is_rejected(name: str, given: dict[str, float]) -> None:
    with pytest.raises(RecipeRejected, match=next(iter(given))):
        net(name, **given)


@pytest.mark.parametrize("name", ["fast", "cnn", "mlp"])
def test_a_whole_number_will_do_where_a_fraction_may_stand(name: str) -> None:
    assert torch.jit.script(net(name, dropout=0).eval()).code  # which takes no 0 for 0.0
