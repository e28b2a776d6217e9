"""What can be said of a net in a recipe, and what is refused."""

import pytest
import torch
from torch import nn

from models_store.errors import RecipeRejected
from models_store.specs import InputSpec, NetSpec
from training.nets.catalog import build, options

PICTURE = InputSpec()


def net(name: str, **given: bool | float | str) -> nn.Module:
    return build(NetSpec(name=name, options=given), PICTURE, 10)


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
