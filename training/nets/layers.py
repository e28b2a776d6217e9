"""The pieces that several nets are made of."""

from typing import Literal

from torch import nn

Activation = Literal["relu", "sigmoid"]
Pool = Literal["max", "average"]
_MULTIPLE = 8  # channels: vectors of the CPU and tiles of the GPU are filled
_LARGEST_WIDTH = 8.0  # 64 times the weights: more is a slip of the pen


def scaled(channels: int, width: float) -> int:
    """`channels` times `width`, rounded to a multiple of 8 (Howard et al. 2017, arXiv:1704.04861, their alpha).

    Raises ValueError for a width out of range; a width of 1 changes nothing.
    """
    if not 0 < width <= _LARGEST_WIDTH:
        raise ValueError(f"width must be above 0 and at most {_LARGEST_WIDTH:g}")
    if width == 1:
        return channels
    return max(_MULTIPLE, int(channels * width / _MULTIPLE + 0.5) * _MULTIPLE)


def squashing(name: Activation) -> nn.Module:
    """The function after a layer."""
    return nn.ReLU() if name == "relu" else nn.Sigmoid()


def halving(name: Pool) -> nn.Module:
    """2x2 pixels become one: their largest, or their mean."""
    return nn.MaxPool2d(2) if name == "max" else nn.AvgPool2d(2)


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Conv2d:
    """One without a bias, which the batch norm after it brings."""
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)


def block(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Sequential:
    """Convolution, batch norm, ReLU (Ioffe and Szegedy 2015, arXiv:1502.03167): exporting folds them into one."""
    return nn.Sequential(convolution(inputs, outputs, kernel, stride, padding), nn.BatchNorm2d(outputs), nn.ReLU())


def pooled_block(inputs: int, outputs: int, kernel: int, padding: int = 0) -> nn.Sequential:
    """Convolution, halving by the maximum, batch norm, ReLU: the norm and ReLU then see a quarter of the pixels."""
    return nn.Sequential(
        convolution(inputs, outputs, kernel, padding=padding), nn.MaxPool2d(2), nn.BatchNorm2d(outputs), nn.ReLU()
    )
