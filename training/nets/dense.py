"""fcnn and mlp: nets without convolutions.

Idea: every pixel is an input of its own (LeCun et al. 1998, "Gradient-based learning applied to document recognition",
whose fully connected nets have 300 and 300-100 hidden units), with ReLU (Glorot et al. 2011) in place of tanh.
"""

import itertools
from collections.abc import Sequence

from torch import Tensor, nn


class Dense(nn.Module):
    """Linear layers with ReLU and dropout between them.

    float32 [N, C, 28, 28], normalised -> logits [N, labels].
    """

    def __init__(self, channels: int, labels: int, hidden: Sequence[int], dropout: float) -> None:
        super().__init__()
        widths = [channels * 28 * 28, *hidden]
        layers: list[nn.Module] = [nn.Flatten()]
        for inputs, outputs in itertools.pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout)]
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1], labels)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))  # type: ignore[no-any-return]


def fcnn(channels: int, labels: int, hidden: int = 512, dropout: float = 0.0) -> Dense:
    """784-512-labels: 407,050 parameters for ten labels."""
    return Dense(channels, labels, [hidden], dropout)


def mlp(channels: int, labels: int, hidden: int = 512, second: int = 256, dropout: float = 0.0) -> Dense:
    """784-512-256-labels: 535,818 parameters for ten labels."""
    return Dense(channels, labels, [hidden, second], dropout)
