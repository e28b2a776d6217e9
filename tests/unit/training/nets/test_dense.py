"""Nets without convolutions: every pixel is an input of its own."""

import pytest
import torch
from torch import nn

from training.nets.catalog import parameters
from training.nets.dense import Dense, fcnn, mlp

PICTURES = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(2))


def full(inputs: int, outputs: int) -> int:
    """Weights of a linear layer."""
    return inputs * outputs + outputs


def test_they_have_the_parameters_that_their_layers_add_up_to() -> None:
    assert parameters(fcnn(1, 10)) == full(784, 512) + full(512, 10) == 407_050
    assert parameters(mlp(1, 10)) == full(784, 512) + full(512, 256) + full(256, 10) == 535_818
    assert parameters(mlp(1, 10, hidden=16, second=8)) == full(784, 16) + full(16, 8) + full(8, 10)
    assert parameters(fcnn(3, 4, hidden=5)) == full(3 * 784, 5) + full(5, 4)


def test_they_compute_as_matrices_do() -> None:
    torch.manual_seed(1)
    net = mlp(1, 3, hidden=16, second=8).eval()
    first, second = (layer for layer in net.features if isinstance(layer, nn.Linear))
    x = PICTURES.reshape(4, 784)
    for layer in (first, second):
        x = (x @ layer.weight.T + layer.bias).clamp(min=0)
    assert torch.allclose(net(PICTURES), x @ net.head.weight.T + net.head.bias, atol=1e-5)


@pytest.mark.parametrize("net", [fcnn(1, 10, hidden=64, dropout=0.5), mlp(1, 10, hidden=64, second=32, dropout=0.5)])
def test_dropout_drops_while_it_learns_only(net: Dense) -> None:
    assert not torch.equal(net.train()(PICTURES), net(PICTURES))
    assert torch.equal(net.eval()(PICTURES), net(PICTURES))


def test_without_dropout_learning_and_serving_compute_alike() -> None:
    net = fcnn(1, 10, hidden=8)
    assert torch.equal(net.train()(PICTURES), net.eval()(PICTURES))


def test_a_picture_of_another_size_does_not_fit() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        fcnn(1, 10)(torch.rand(1, 1, 27, 28))
