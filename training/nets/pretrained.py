"""resnet18 and resnet50 as torchvision has them, with ImageNet's weights or fresh ones."""

import contextlib
import pickle
import sys
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from training.data.torchvision import torchvision
from training.errors import WeightsMissing

Weights = Literal["imagenet", "none"]


class ResNet(nn.Module):
    """A residual net (He et al. 2015, arXiv:1512.03385) with a head of its own.

    float32 [N, C, H, W], normalised -> logits [N, labels].
    """

    def __init__(self, trunk: nn.Module, channels: int, labels: int) -> None:
        """`trunk`: a ResNet of torchvision for three channels, whose layers this net takes over."""
        super().__init__()
        parts = dict(trunk.named_children())
        self.conv1 = parts["conv1"] if channels == 3 else _grey(parts["conv1"])
        self.bn1, self.relu, self.maxpool = parts["bn1"], parts["relu"], parts["maxpool"]
        self.layer1, self.layer2 = parts["layer1"], parts["layer2"]
        self.layer3, self.layer4 = parts["layer3"], parts["layer4"]
        self.avgpool = parts["avgpool"]
        inputs = parts["fc"].in_features
        assert isinstance(inputs, int)
        self.head = nn.Linear(inputs, labels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.head(self.avgpool(x).flatten(1))  # type: ignore[no-any-return]


def resnet18(channels: int, labels: int, weights: Weights = "none") -> ResNet:
    """11.2 million parameters. Raises WeightsMissing."""
    return ResNet(_trunk("resnet18", weights), channels, labels)


def resnet50(channels: int, labels: int, weights: Weights = "none") -> ResNet:
    """23.5 million parameters. Raises WeightsMissing."""
    return ResNet(_trunk("resnet50", weights), channels, labels)


def _grey(first: nn.Module) -> nn.Conv2d:
    """The convolution for one channel that answers as `first` does to that channel given three times."""
    assert isinstance(first, nn.Conv2d)
    kernel, stride, padding = first.kernel_size, first.stride, first.padding
    grey = nn.Conv2d(1, first.out_channels, kernel, stride, padding, bias=False)  # type: ignore[arg-type]
    with torch.no_grad():
        grey.weight.copy_(first.weight.sum(1, keepdim=True))
    return grey


def _trunk(name: str, weights: Weights) -> nn.Module:
    models = torchvision().models
    trunk: nn.Module = models.get_model(name, weights=None)
    if weights == "none":
        return trunk
    best = models.get_model_weights(name).DEFAULT
    try:
        with contextlib.redirect_stdout(sys.stderr):  # torch.hub announces a download on the report's own stream
            trunk.load_state_dict(best.get_state_dict(progress=False, check_hash=True, weights_only=True))
    except (OSError, RuntimeError, ValueError, EOFError, LookupError, TypeError, pickle.UnpicklingError):
        raise WeightsMissing(
            f"The ImageNet weights of {name} could not be read or downloaded: put a whole {Path(best.url).name} "
            f'into {Path(torch.hub.get_dir()) / "checkpoints"}, or set weights = "none" in net.options.'
        ) from None
    return trunk
